"""An asyncio loop in a thread of its own, for blocking callers of an asynchronous engine."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Generator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

from videomind.cancellable import Cancel, check
from videomind.errors import Cancelled

T = TypeVar("T")
_POLL = 0.02
"""Seconds between looks at a cancel event."""
_END = object()


class LoopThread:
    """Runs coroutines; a caller waits for the result, or gives up when its cancel event is set."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], cancel: Cancel | None = None) -> T:
        """The result of a coroutine.

        Raises:
            Cancelled: the event was set; the coroutine has been cancelled.
        """
        if cancel is not None and cancel.is_set():
            work.close()
        check(cancel)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while True:
                if (done := _result(future, cancel)) is not _END:
                    return done  # type: ignore[return-value]  # the sentinel has just been ruled out
        finally:
            future.cancel()

    def iterate(self, items: AsyncIterator[T], cancel: Cancel | None = None) -> Generator[T, None, None]:
        """The items of an asynchronous iterator as they come; closing this one closes that one."""
        ready: queue.SimpleQueue[Any] = queue.SimpleQueue()

        async def pump() -> None:
            try:
                async for item in items:
                    ready.put(item)
            finally:
                ready.put(_END)

        pumping = asyncio.run_coroutine_threadsafe(pump(), self._loop)
        try:
            while (item := _next(ready, cancel)) is not _END:
                yield item
            pumping.result()
        finally:
            pumping.cancel()

    def close(self) -> None:
        """Stop the loop and wait for its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _result(future: Future[T], cancel: Cancel | None) -> T | object:
    try:
        return future.result(timeout=None if cancel is None else _POLL)
    except CancelledError:
        raise Cancelled("the engine was closed") from None
    except NotYet:
        if future.done():
            raise
        check(cancel)
        return _END


def _next(ready: queue.SimpleQueue[Any], cancel: Cancel | None) -> Any:
    while True:
        check(cancel)
        try:
            return ready.get(timeout=None if cancel is None else _POLL)
        except queue.Empty:
            continue
