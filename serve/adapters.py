"""`/v1/adapters`: the answerer adapters of the running engine."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from videomind.lora_switch.adapter_name import check_adapter_name
from videomind.serve.adapter_store import StoredAdapter
from videomind.serve.state import Running, running
from videomind.serve.upload import receive_adapter

router = APIRouter(prefix="/v1/adapters")
Served = Annotated[Running, Depends(running)]


class AdapterList(BaseModel):
    """All of them, by name."""

    object: Literal["list"] = "list"
    data: list[StoredAdapter]


class Removed(BaseModel):
    """What is gone."""

    name: str
    object: Literal["adapter"] = "adapter"
    deleted: bool = True


@router.get("")
def list_adapters(served: Served) -> AdapterList:
    """What is stored, and whether this model can use it."""
    return AdapterList(data=served.adapters.entries())


@router.post("/{name}", status_code=201)
async def add_adapter(name: str, request: Request, served: Served) -> StoredAdapter:
    """Take in a PEFT folder, sent as a multipart form with its two files as parts; questions go on meanwhile."""
    check_adapter_name(name)
    with served.adapters.incoming() as folder:
        await receive_adapter(request, folder)
        return await run_in_threadpool(served.adapters.add, name, folder)


@router.delete("/{name}")
def remove_adapter(name: str, served: Served) -> Removed:
    """Forget one, once no question uses it any more."""
    served.adapters.remove(name)
    return Removed(name=name)
