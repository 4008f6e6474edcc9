"""Who comes in, and in which order."""

import asyncio

from videomind.engines.gate import Gate


def test_those_who_wait_enter_by_priority_then_by_arrival() -> None:
    entered: list[str] = []

    async def visit(gate: Gate, name: str, priority: int) -> None:
        async with gate.enter(priority):
            entered.append(name)
            await asyncio.sleep(0)

    async def main() -> None:
        gate = Gate(1)
        await asyncio.gather(*(visit(gate, name, p) for name, p in [("a", 0), ("b", 1), ("c", 0), ("d", 1)]))

    asyncio.run(main())
    assert entered == ["a", "c", "b", "d"]


def test_no_more_than_the_limit_at_once() -> None:
    inside = most = 0

    async def visit(gate: Gate) -> None:
        nonlocal inside, most
        async with gate.enter(0):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async def main() -> None:
        gate = Gate(3)
        await asyncio.gather(*(visit(gate) for _ in range(20)))

    asyncio.run(main())
    assert most == 3


def test_a_place_given_to_one_who_gives_up_goes_to_the_next() -> None:
    async def main() -> bool:
        gate = Gate(1)
        await gate._take(0)
        first, second = (asyncio.ensure_future(gate._take(0)) for _ in range(2))
        await asyncio.sleep(0)
        gate._give()  # the first has it now, but has not run yet
        first.cancel()
        await asyncio.wait([first, second], timeout=1)
        return second.done() and first.cancelled()

    assert asyncio.run(main())
