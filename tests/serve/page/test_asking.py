from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from videomind.serve.page.asking import Stops, ticking


async def slow(log: list[str]) -> AsyncGenerator[int]:
    try:
        yield 1
        await asyncio.sleep(0.12)
        yield 2
        await asyncio.sleep(60)
    finally:
        log.append("closed")


def test_silence_is_filled_and_nothing_gets_lost() -> None:
    async def listen() -> list[int | None]:
        told = []
        async with aclosing(ticking(slow([]), asyncio.Event(), 0.05)) as steps:
            async for step in steps:
                told.append(step)
                if step == 2:
                    break
        return told

    told = asyncio.run(listen())
    assert told[0] == 1
    assert told[-1] == 2
    assert set(told[1:-1]) == {None}


def test_a_stop_ends_it_at_once_and_cancels_what_was_awaited() -> None:
    log: list[str] = []
    stops = Stops()

    async def listen() -> list[int | None]:
        with stops.listening("tab") as stop:
            asyncio.get_running_loop().call_later(0.05, stops.stop, "tab")
            return [step async for step in ticking(slow(log), stop, 10)]

    assert asyncio.run(listen()) == [1]
    assert log == ["closed"]
    stops.stop("tab")  # nobody listens any more
