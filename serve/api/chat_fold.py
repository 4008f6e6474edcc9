"""The steps of one question, gathered into OpenAI's completion, or passed on as the chunks of a stream."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from videomind.events import AnswerToken, Done, PlanReady
from videomind.results import Result
from videomind.serve.api.chat_answer import content_of, plan_content, usage_of
from videomind.serve.api.chat_response import AssistantMessage, Choice, Completion, PlanBody, TokenUsage
from videomind.serve.api.reasoning import reasoning
from videomind.serve.api.result_body import ResultBody, links_of, result_body
from videomind.serve.desk import Started, Step, Waiting
from videomind.wire import event_to_json

Steps = AsyncIterator[Step]


@dataclass(frozen=True, slots=True)
class Head:
    """What all chunks of one completion have in common.

    Attributes:
        turn: id of the stored turn.
        model: as the request named it.
        only_plan: end when the plan stands.
        created: seconds since 1970.
    """

    turn: str
    model: str
    only_plan: bool = False
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def id(self) -> str:
        """The completion's, in OpenAI's form."""
        return f"chatcmpl-{self.turn.removeprefix('turn-')}"


async def gather(head: Head, steps: Steps) -> Completion:
    """The whole answer. The steps are those after `Started`."""
    thoughts, pieces = "", 0
    async for step in steps:
        thoughts += reasoning(step)
        match step:
            case AnswerToken():
                pieces += 1
            case PlanReady() if head.only_plan:
                planned = PlanBody(id=head.turn, plan=step.plan, query=step.query)
                return _completion(head, plan_content(step), thoughts, None, planned)
            case Done(result):
                found = result_body(head.turn, result)
                return _completion(head, content_of(result), thoughts, usage_of(result, pieces), found)
    raise AssertionError("a question ends with Done")


async def chunks(head: Head, steps: Steps, with_usage: bool) -> AsyncIterator[dict[str, Any]]:
    """The answer piece by piece; all contents together are the content that `gather` would give.

    Args:
        head: what the chunks have in common.
        steps: those after `Started`.
        with_usage: add a last chunk with the tokens that were used.
    """
    text = _Text()
    yield _chunk(head, {"role": "assistant", "content": ""}, {"event": "started", "id": head.turn})
    async for step in steps:
        match step:
            case AnswerToken(piece):
                yield _chunk(head, {"content": text.add(piece)}, event_to_json(step))
            case PlanReady() if head.only_plan:
                yield _chunk(head, {"reasoning_content": reasoning(step)}, event_to_json(step))
                yield _chunk(head, {"content": plan_content(step)})
                yield _chunk(head, {}, finish="stop")
                return
            case Done(result):
                if rest := text.rest(content_of(result)):
                    yield _chunk(head, {"content": rest})
                yield _chunk(head, {}, _done(head, result), finish="stop")
                if with_usage:
                    yield _chunk(head, None, usage=usage_of(result, text.pieces))
            case _:
                yield _chunk(head, {"reasoning_content": reasoning(step)}, _happened(step))


class _Text:
    """The content as far as it was sent. White space before and after it never is."""

    def __init__(self) -> None:
        self._sent, self._held, self.pieces = "", "", 0

    def add(self, piece: str) -> str:
        self.pieces += 1
        text = self._held + piece
        if not self._sent:
            text = text.lstrip()
        said = text.rstrip()
        self._held, self._sent = text[len(said) :], self._sent + said
        return said

    def rest(self, content: str) -> str:
        return content.removeprefix(self._sent)


def _happened(step: Step) -> dict[str, Any]:
    match step:
        case Waiting(position):
            return {"event": "queued", "position": position}
        case Started(turn):
            return {"event": "started", "id": turn}
    return event_to_json(step)


def _done(head: Head, result: Result) -> dict[str, Any]:
    return event_to_json(Done(result)) | {"id": head.turn, "links": links_of(head.turn, result)}


def _completion(
    head: Head, content: str, thoughts: str, usage: TokenUsage | None, body: ResultBody | PlanBody
) -> Completion:
    message = AssistantMessage(content=content, reasoning_content=thoughts)
    return Completion(
        id=head.id,
        created=head.created,
        model=head.model,
        choices=(Choice(message=message),),
        usage=usage,
        videomind=body,
    )


def _chunk(
    head: Head,
    delta: dict[str, str] | None,
    happened: dict[str, Any] | None = None,
    finish: str | None = None,
    usage: TokenUsage | None = None,
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    chunk = {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created,
        "model": head.model,
        "choices": [] if delta is None else [choice],
    }
    if usage is not None:
        chunk["usage"] = usage.model_dump()
    if happened is not None:
        chunk["videomind"] = happened
    return chunk
