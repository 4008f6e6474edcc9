"""Blocking work awaited: it runs in a thread, and a cancel event stops it when nobody waits any longer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_WAITING = ThreadPoolExecutor(max_workers=256, thread_name_prefix="videomind")
"""Threads in which blocking calls are awaited: many questions at once may wait for an engine."""
Cancel = threading.Event
"""Set by the caller to stop a request; what runs it then raises `Cancelled` before its next step."""


async def run_cancellable(call: Callable[[Cancel], T]) -> T:
    """Run a blocking call in a thread; when the task is cancelled, set its cancel event."""
    cancel = Cancel()
    try:
        return await asyncio.get_running_loop().run_in_executor(_WAITING, call, cancel)
    except asyncio.CancelledError:
        cancel.set()
        raise


async def iterate_cancellable(start: Callable[[Cancel], Iterator[T]]) -> AsyncGenerator[T]:
    """Drive a blocking iterator from a thread, one item at a time; set its cancel event when no longer wanted."""
    cancel, end = Cancel(), object()
    iterator, loop = start(cancel), asyncio.get_running_loop()
    try:
        while (item := await loop.run_in_executor(_WAITING, next, iterator, end)) is not end:
            yield item  # type: ignore[misc]  # the sentinel has just been ruled out
    finally:
        cancel.set()
