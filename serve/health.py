"""Is the server alive, and may it be asked?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from videomind.serve.errors import Refused
from videomind.serve.state import Running, running, state_of

router = APIRouter()


@router.get("/health")
def health(request: Request) -> dict[str, str]:
    """200 while it can still come to something; 503 when the engine has died and the server has to be started anew."""
    try:
        engine = state_of(request).running.agent.engine
    except Refused:
        return {"status": "loading"}
    engine.check_health()
    return {"status": "ok"}


@router.get("/ready")
def ready(served: Annotated[Running, Depends(running)]) -> dict[str, str]:
    """200 when questions are answered; 503 while the model loads, and when the engine has died."""
    served.agent.engine.check_health()
    return {"status": "ready", "model": served.agent.bundle.manifest.name, "engine": served.agent.engine.name}
