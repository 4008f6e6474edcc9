"""`POST /v1/moments`: where in a video something happens; grounder and verifier only."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from videomind.asking import FINDERS
from videomind.events import aresult_of
from videomind.roles.question import check_question
from videomind.serve.api.chat_request import MAX_TOP_K
from videomind.serve.api.client_gone import unless_gone, until_answered
from videomind.serve.api.result_body import ResultBody, result_body
from videomind.serve.asked import DEFAULT_TOP_K, Ask
from videomind.serve.caller import Caller, caller
from videomind.serve.desk import Started
from videomind.serve.errors import Refused
from videomind.serve.services import Services, services
from videomind.serve.state import Running, running

router = APIRouter(prefix="/v1/moments", tags=["moments"])


class MomentsRequest(BaseModel):
    """What to look for, and where."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    video: Annotated[str, Field(min_length=1, description="Id of an uploaded file, or a URL that the server allows.")]
    query: Annotated[str, Field(description="What happens in the moment.")]
    top_k: Annotated[int, Field(ge=1, le=MAX_TOP_K, description="How many candidates to give back.")] = DEFAULT_TOP_K
    every: Annotated[bool, Field(description="Give back every moment that matches, not the best alone.")] = False


@router.post("")
async def find_moments(
    wanted: MomentsRequest,
    request: Request,
    served: Annotated[Running, Depends(running)],
    here: Annotated[Services, Depends(services)],
    who: Annotated[Caller, Depends(caller)],
    held: Annotated[AsyncExitStack, Depends(until_answered)],
) -> ResultBody:
    """Find the moment that a text describes, or every such moment."""
    roles = tuple(role for role in served.agent.roles if role in FINDERS)
    if "grounder" not in roles:
        raise Refused(404, "this model finds no moments: it has no grounder")
    ask = Ask(question=check_question(wanted.query), roles=roles, every=wanted.every, top_k=wanted.top_k)
    video = await unless_gone(request, here.media.resolve(who.owner, wanted.video))
    steps = served.desk.ask(who, video, ask)
    held.push_async_callback(steps.aclose)
    started = await anext(steps)
    assert isinstance(started, Started)
    return result_body(started.turn, await unless_gone(request, aresult_of(steps)))
