"""`GET /v1/models`: what a request can name as its model."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from videomind.lora_switch.bundle import MANIFEST
from videomind.serve.api.model_names import check_model, model_names
from videomind.serve.state import Running, running

router = APIRouter(prefix="/v1/models", tags=["models"])
Served = Annotated[Running, Depends(running)]


class Model(BaseModel):
    """The chain, or one role of it."""

    id: str
    object: Literal["model"] = "model"
    created: Annotated[int, Field(description="When the loaded model was made, in seconds since 1970.")]
    owned_by: str = "videomind"
    root: Annotated[str, Field(description="Name of the loaded model, as in results.")]


class ModelList(BaseModel):
    """All of them, the chain first."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("")
def list_models(served: Served) -> ModelList:
    """The chain and the roles that the loaded model has."""
    return ModelList(data=[_model(name, served) for name in model_names(served.agent.roles)])


@router.get("/{name:path}")
def get_model(name: str, served: Served) -> Model:
    """One of them."""
    check_model(name, served.agent.roles)
    return _model(name, served)


def _model(name: str, served: Running) -> Model:
    bundle = served.agent.bundle
    made = (bundle.folder / MANIFEST).stat().st_mtime
    return Model(id=name, created=int(made), root=bundle.manifest.name)
