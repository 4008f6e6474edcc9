"""A question of the page, from the field to the last word: told as it happens, stopped when the person says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import TypeVar

from videomind.errors import VideoMindError
from videomind.serve.asked import Ask
from videomind.serve.caller import Caller
from videomind.serve.desk import Desk
from videomind.serve.page.telling import ENDS, Telling
from videomind.serve.store.conversations import TurnState
from videomind.serve.store.library import VideoFile

T = TypeVar("T")
TICK_S = 1.0
"""Seconds after which Gradio gets something even if nothing happened: only then does it notice that the tab is gone."""
log = logging.getLogger("videomind.serve")


class Stops:
    """Who of those that are being answered wants no answer any more; by the session of the tab."""

    def __init__(self) -> None:
        self._wanted: dict[str, asyncio.Event] = {}

    @contextmanager
    def listening(self, session: str) -> Iterator[asyncio.Event]:
        """The event that `stop` sets."""
        event = self._wanted[session] = asyncio.Event()
        try:
            yield event
        finally:
            if self._wanted.get(session) is event:
                del self._wanted[session]

    def stop(self, session: str) -> None:
        """End what this tab asked, if it still asks something."""
        if (event := self._wanted.get(session)) is not None:
            event.set()


async def tell(
    desk: Desk, caller: Caller, video: VideoFile, ask: Ask, conversation: str, stop: asyncio.Event
) -> AsyncGenerator[Telling]:
    """The turn, again whenever there is more to tell, and at least every `TICK_S` seconds.

    Errors are told, not raised.
    """
    telling = Telling(ask)
    yield telling
    try:
        async with aclosing(desk.ask(caller, video, ask, conversation)) as steps:
            async for step in ticking(steps, stop, TICK_S):
                if step is not None:
                    telling.take(step)
                yield telling
    except VideoMindError as error:
        telling.stop(str(error))
    except Exception as error:
        log.error("a question from the page failed", exc_info=error)
        telling.stop("Something went wrong in the server; its log says what.")
    if telling.doing:
        telling.stop(ENDS[TurnState.CANCELLED])
    yield telling


async def ticking(steps: AsyncGenerator[T], stop: asyncio.Event, tick: float) -> AsyncGenerator[T | None]:
    """The steps, and None whenever none has come for `tick` seconds; ends early when `stop` is set."""
    stopped = asyncio.ensure_future(stop.wait())
    following: asyncio.Future[T] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(anext(steps))
            done, _ = await asyncio.wait((following, stopped), timeout=tick, return_when=asyncio.FIRST_COMPLETED)
            if stopped in done:
                return
            if not done:
                yield None
                continue
            try:
                step = following.result()
            except StopAsyncIteration:
                return
            following = None
            yield step
    finally:
        stopped.cancel()
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await following
