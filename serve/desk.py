"""One question, from its place in the queue to the stored turn: the one way to ask, for the API and the page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

from videomind.agent import Agent
from videomind.engines.base import Service
from videomind.errors import Cancelled, InputError, VideoMindError
from videomind.events import Done, Event
from videomind.results import Result
from videomind.serve.asked import Ask
from videomind.serve.caller import Caller
from videomind.serve.errors import UNFORESEEN, Refused
from videomind.serve.queue import Queue
from videomind.serve.store.conversations import Conversations, TurnState
from videomind.serve.store.library import VideoFile
from videomind.serve.videos import Videos
from videomind.vision.base import VideoReader
from videomind.vision.part import PartReader
from videomind.vision.subtitles import Cue, parse_subtitles
from videomind.wire import result_to_json

T = TypeVar("T")
log = logging.getLogger("videomind.serve")


@dataclass(frozen=True, slots=True)
class Started:
    """The turn is stored under this id; from now on it has an end, whatever happens."""

    turn: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Others are before this question; 1 = it is next."""

    position: int


Step = Started | Waiting | Event


class Desk:
    """Takes questions.

    Args:
        agent: who answers.
        queue: who is next.
        videos: the videos, open for reading.
        conversations: where turns are kept.
        limit: seconds that one question may take, waiting included.
    """

    def __init__(self, agent: Agent, queue: Queue, videos: Videos, conversations: Conversations, limit: float) -> None:
        self._agent, self._queue, self._videos, self._conversations = agent, queue, videos, conversations
        self._limit = limit

    async def ask(
        self, caller: Caller, video: VideoFile, ask: Ask, conversation: str | None = None
    ) -> AsyncGenerator[Step]:
        """Ask, and get what happens: Started, Waiting…, the chain's events, Done last.

        Closing the generator cancels the work. However it ends, the turn says so.

        Raises:
            Refused: (429) too many wait, (504) it took too long, (404, 410) the video is gone.
            VideoMindError: as in `Agent.stream`.
        """
        deadline = asyncio.get_running_loop().time() + self._limit
        async with self._queue.enter(caller.client) as ticket:
            turn = await run_in_threadpool(self._conversations.ask, caller.owner, video, ask.to_json(), conversation)
            end: Result | Exception | None = None
            try:
                yield Started(turn.id)
                while position := ticket.position:
                    yield Waiting(position)
                    await self._within(deadline, ticket.moved())
                with ExitStack() as opened:
                    events = await run_in_threadpool(self._start, caller, video, ask, opened)
                    async with aclosing(events):
                        while (event := await self._within(deadline, anext(events, None))) is not None:
                            if isinstance(event, Done):
                                end = replace(event.result, candidates=event.result.candidates[: ask.top_k])
                                await self._finish(turn.id, end)
                                event = Done(end)
                            yield event
            except Exception as error:
                end = error
                raise
            finally:
                if not isinstance(end, Result):
                    self._finish(turn.id, end)

    def _start(self, caller: Caller, video: VideoFile, ask: Ask, opened: ExitStack) -> AsyncGenerator[Event]:
        reader: VideoReader = opened.enter_context(self._videos.reader(video))
        roles = ask.roles
        if ask.span is not None:
            reader, roles = PartReader(reader, _checked(ask.span, reader)), ("answerer",)
        return self._agent.astream(
            reader,
            ask.question,
            options=ask.options or None,
            subtitles=_cues(ask),
            roles=roles,
            every=ask.every,
            service=Service(salt=caller.owner, answerer=ask.answerer),
        )

    async def _within(self, deadline: float, step: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout_at(deadline):
                return await step
        except TimeoutError:
            raise Refused(504, f"no answer within {self._limit:g} s: ask about a shorter video, or later") from None

    def _finish(self, turn: str, end: Result | Exception | None) -> asyncio.Future[None]:
        """In a thread, also where the task is being cancelled and cannot wait for it."""
        result: dict[str, Any] | None = None
        error: str | None = None
        match end:
            case Result():
                state, result = TurnState.ANSWERED, result_to_json(end)
            case None | Cancelled():
                state = TurnState.CANCELLED
            case VideoMindError():
                state, error = TurnState.FAILED, str(end)
            case _:
                log.error("a question failed", exc_info=end)
                state, error = TurnState.FAILED, UNFORESEEN
        finish = self._conversations.finish
        return asyncio.get_running_loop().run_in_executor(None, finish, turn, state, result, error)


def _cues(ask: Ask) -> tuple[Cue, ...]:
    """Those of the whole video; of a part, in its own time."""
    cues = () if ask.subtitles is None else parse_subtitles(ask.subtitles)
    begin = 0.0 if ask.span is None else ask.span[0]
    return tuple(replace(cue, start=cue.start - begin, end=cue.end - begin) for cue in cues)


def _checked(span: tuple[float, float], reader: VideoReader) -> tuple[float, float]:
    start, end = span
    if not 0 <= start < end:
        raise InputError(f"span {start:g} to {end:g} s: give a start before an end, within 0 to {reader.duration:g} s")
    return span
