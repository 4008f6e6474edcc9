"""Blocking work awaited: it runs in a thread, and a cancel event stops it when nobody waits any longer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from videomind.errors import Cancelled

T = TypeVar("T")
_WAITING = ThreadPoolExecutor(max_workers=256, thread_name_prefix="videomind")
"""Threads in which blocking calls are awaited: many questions at once may wait for an engine."""
Cancel = threading.Event
"""Set by the caller to stop a request; what runs it then raises `Cancelled` before its next step."""


def check(cancel: Cancel | None) -> None:
    """Raises:
    Cancelled: the caller wants no more.
    """
    if cancel is not None and cancel.is_set():
        raise Cancelled("cancelled by the caller")


async def run_cancellable(call: Callable[[Cancel], T]) -> T:
    """Run a blocking call in a thread; when the task is cancelled, set its cancel event."""
    cancel = Cancel()
    try:
        return await asyncio.get_running_loop().run_in_executor(_WAITING, call, cancel)
    except asyncio.CancelledError:
        cancel.set()
        raise


async def iterate_cancellable(start: Callable[[Cancel], Iterator[T]]) -> AsyncGenerator[T]:
    """Drive a blocking iterator in one thread, which does not wait for whoever takes the items.

    Its cancel event is set when no more are wanted.
    """
    cancel, loop = Cancel(), asyncio.get_running_loop()
    arrived: asyncio.Queue[tuple[T] | None] = asyncio.Queue()

    def post(item: tuple[T] | None) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it everyone who waited
            loop.call_soon_threadsafe(arrived.put_nowait, item)

    def run() -> None:
        try:
            for item in start(cancel):
                if cancel.is_set():
                    return
                post((item,))
        finally:
            post(None)

    running = loop.run_in_executor(_WAITING, run)
    try:
        while (item := await arrived.get()) is not None:
            yield item[0]
        await running
    finally:
        cancel.set()
        running.add_done_callback(_seen)


def _seen(ended: asyncio.Future[None]) -> None:
    """An error after nobody waits any more is nobody's."""
    if not ended.cancelled():
        ended.exception()
