"""`/v1/results`: what was asked and what came of it; the files that prove it come from `evidence`."""

from __future__ import annotations

from fastapi import APIRouter

from videomind.serve.api import evidence
from videomind.serve.api.stored import Asking, Id, Served
from videomind.serve.api.turn_body import TurnBody, turn_body

router = APIRouter(prefix="/v1/results", tags=["results"])
router.include_router(evidence.router)


@router.get("/{turn_id}")
def get_result(turn_id: Id, served: Served, asking: Asking) -> TurnBody:
    """One question, how far it is, and its result."""
    return turn_body(served.conversations.turn(asking.owner, turn_id))
