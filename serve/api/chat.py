"""`POST /v1/chat/completions`: a question about a video, in the shape of OpenAI's API."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic_core import to_json
from sse_starlette.sse import EventSourceResponse
from starlette.responses import Response

from videomind.errors import VideoMindError
from videomind.serve.api.chat_fold import Head, chunks, gather
from videomind.serve.api.chat_question import question_of
from videomind.serve.api.chat_request import ChatRequest
from videomind.serve.api.chat_response import Completion
from videomind.serve.api.client_gone import unless_gone, until_answered
from videomind.serve.api.model_names import check_model
from videomind.serve.caller import Caller, caller
from videomind.serve.desk import Started
from videomind.serve.errors import UNFORESEEN, error_response, status_of
from videomind.serve.services import Services, services
from videomind.serve.state import Running, running

PING_S = 15
"""Seconds after which a stream without news sends a comment, so that nobody between takes it for dead."""
log = logging.getLogger("videomind.serve")
router = APIRouter(prefix="/v1/chat", tags=["chat"])
STREAM = {
    "text/event-stream": {"schema": {"type": "string", "description": "Chunks, with `stream`; at the end [DONE]"}}
}


@router.post("/completions", responses={200: {"model": Completion, "content": STREAM}})
async def complete_chat(
    asked: ChatRequest,
    request: Request,
    served: Annotated[Running, Depends(running)],
    here: Annotated[Services, Depends(services)],
    who: Annotated[Caller, Depends(caller)],
    held: Annotated[AsyncExitStack, Depends(until_answered)],
) -> Response:
    """Ask about a video; get the answer, and in `videomind` the moment that proves it.

    Streamed, the steps come as `reasoning_content` and as events in `videomind` while they happen.
    """
    check_model(asked.model, served.agent.roles)
    question = question_of(asked)
    video = await unless_gone(request, here.media.resolve(who.owner, question.video))
    steps = served.desk.ask(who, video, question.ask, question.conversation)
    held.push_async_callback(steps.aclose)
    started = await anext(steps)
    assert isinstance(started, Started)
    head = Head(started.turn, asked.model, question.only_plan)
    if not asked.stream:
        completion = await unless_gone(request, gather(head, steps))
        return Response(completion.model_dump_json(), media_type="application/json")
    with_usage = asked.stream_options is not None and asked.stream_options.include_usage is True
    return EventSourceResponse(_sent(chunks(head, steps, with_usage)), ping=PING_S, sep="\n")


async def _sent(stream: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    """Each chunk as one event; an error as the last one."""
    try:
        async for chunk in stream:
            yield to_json(chunk).decode()
    except VideoMindError as error:
        yield _error(status_of(error), str(error))
    except Exception:
        log.exception("a streamed answer failed")
        yield _error(500, UNFORESEEN)
    else:
        yield "[DONE]"


def _error(status: int, message: str) -> str:
    return bytes(error_response(status, message).body).decode()
