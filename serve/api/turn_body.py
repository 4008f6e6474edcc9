"""A stored turn as endpoints give it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from videomind.serve.api.result_body import ResultBody, result_body
from videomind.serve.store.conversations import Turn, TurnState
from videomind.wire import result_from_json


class TurnBody(BaseModel):
    """One question; `result` is there where it was answered, `error` where it failed. Times in seconds since 1970."""

    id: str
    object: Literal["result"] = "result"
    status: TurnState
    question: str
    asked: Annotated[dict[str, Any], Field(description="How it was asked: options, roles, and so on.")]
    conversation: str | None
    file_id: Annotated[str | None, Field(description="The video; null when it was removed.")]
    filename: str
    created_at: int
    finished_at: int | None
    result: ResultBody | None
    error: str | None


def turn_body(turn: Turn) -> TurnBody:
    """A turn without its trace and without the text of subtitles, which may be long."""
    return TurnBody(
        id=turn.id,
        status=turn.state,
        question=turn.asked["question"],
        asked={name: value for name, value in turn.asked.items() if name != "subtitles"},
        conversation=turn.conversation,
        file_id=turn.file_id,
        filename=turn.file_name,
        created_at=turn.created,
        finished_at=turn.finished,
        result=None if turn.result is None else result_body(turn.id, result_from_json(turn.result)),
        error=turn.error,
    )
