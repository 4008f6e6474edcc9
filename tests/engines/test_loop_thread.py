"""Blocking callers of an asynchronous engine get results, errors, and their cancellation through."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from videomind.cancellable import Cancel
from videomind.engines.loop_thread import LoopThread
from videomind.errors import Cancelled


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread("test")
    yield thread
    thread.close()


class Work:
    """Goes on until it is cancelled, and remembers that it was."""

    def __init__(self) -> None:
        self.begun, self.cancelled = threading.Event(), threading.Event()

    async def wait(self) -> None:
        self.begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def count(self) -> AsyncIterator[int]:
        yield 1
        yield 2
        await self.wait()


def test_results_and_errors(loop: LoopThread) -> None:
    async def half(number: int) -> float:
        return 1 / number

    assert loop.run(half(2)) == 0.5
    with pytest.raises(ZeroDivisionError):
        loop.run(half(0))


def test_a_set_event_cancels_the_coroutine(loop: LoopThread) -> None:
    work, cancel = Work(), Cancel()
    threading.Thread(target=lambda: work.begun.wait(5) and cancel.set()).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        loop.run(work.wait(), cancel)
    assert work.cancelled.wait(5)
    assert time.monotonic() - began < 5


def test_with_a_set_event_nothing_begins(loop: LoopThread) -> None:
    begun = threading.Event()

    async def begin() -> None:
        begun.set()

    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        loop.run(begin(), cancel)
    assert not begun.wait(0.1)


def test_items_as_they_come_and_errors_after_them(loop: LoopThread) -> None:
    async def items() -> AsyncIterator[int]:
        yield 1
        raise ValueError("two")

    iterator = loop.iterate(items())
    assert next(iterator) == 1
    with pytest.raises(ValueError, match="two"):
        next(iterator)


def test_closing_the_iterator_cancels_what_feeds_it(loop: LoopThread) -> None:
    work = Work()
    iterator = loop.iterate(work.count())
    assert [next(iterator), next(iterator)] == [1, 2]
    assert work.begun.wait(5)
    iterator.close()
    assert work.cancelled.wait(5)


def test_a_set_event_ends_the_iterator_and_what_feeds_it(loop: LoopThread) -> None:
    work, cancel = Work(), Cancel()
    iterator = loop.iterate(work.count(), cancel)
    next(iterator)
    assert work.begun.wait(5)
    cancel.set()
    with pytest.raises(Cancelled):
        list(iterator)
    assert work.cancelled.wait(5)
