"""The queue: in turn, fair between clients, bounded, and left in good order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest

from videomind.serve import queue as queue_module
from videomind.serve.errors import Refused
from videomind.serve.queue import Queue, Ticket


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that runs in an event loop."""

    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 10))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def positions(tickets: list[Ticket]) -> list[int]:
    return [ticket.position for ticket in tickets]


async def hold(queue: Queue, client: str, served: list[str], work: Awaitable[None] | None = None) -> None:
    async with queue.enter(client) as ticket:
        while ticket.position:
            await ticket.moved()
        served.append(client)
        await (work or asyncio.sleep(0))


@in_loop
async def test_as_many_at_once_as_allowed_the_others_in_line() -> None:
    queue = Queue(parallel=2, waiting=8, per_client=8)
    async with AsyncExitStack() as stack:
        tickets = [await stack.enter_async_context(queue.enter("ann")) for _ in range(4)]
        assert positions(tickets) == [0, 0, 1, 2]
        assert (queue.running, queue.waiting) == (2, 2)
    assert (queue.running, queue.waiting) == (0, 0)


@in_loop
async def test_who_waits_is_told_of_every_move() -> None:
    queue = Queue(parallel=1, waiting=8, per_client=8)
    first, second = queue.enter("ann"), queue.enter("ben")
    async with queue.enter("cem") as third:
        assert third.position == 2
        for leaving, expected in ((first, 1), (second, 0)):
            moved = asyncio.create_task(third.moved())
            await asyncio.sleep(0)
            assert not moved.done()
            async with leaving:
                pass
            assert await moved == expected


@in_loop
async def test_a_move_before_one_looks_is_not_missed() -> None:
    queue = Queue(parallel=1, waiting=8, per_client=8)
    first = queue.enter("ann")
    async with queue.enter("ben") as second:
        async with first:
            pass
        assert await second.moved() == 0


@in_loop
async def test_clients_take_turns_however_much_one_asks() -> None:
    queue, served = Queue(parallel=1, waiting=20, per_client=9), list[str]()
    async with asyncio.TaskGroup() as tasks:
        for client in ["ann"] * 6 + ["ben"] * 2 + ["cem"]:
            tasks.create_task(hold(queue, client, served))
    assert served == ["ann", "ben", "cem", "ann", "ben", "ann", "ann", "ann", "ann"]


@in_loop
async def test_the_order_told_is_the_order_served() -> None:
    queue = Queue(parallel=1, waiting=20, per_client=9)
    async with queue.enter("ann"):
        waiting = [queue.enter(client) for client in ("ann", "ann", "ben", "ann", "cem", "ben")]
        assert positions(waiting) == [3, 5, 1, 6, 2, 4]
        rest = sorted(waiting, key=lambda ticket: ticket.position)
    for expected in list(rest):
        assert positions([expected]) == [0]
        async with expected:
            rest.remove(expected)
            assert positions(rest) == [*range(1, len(rest) + 1)]
    assert (queue.running, queue.waiting) == (0, 0)


@in_loop
async def test_clients_in_a_closed_loop_get_equal_shares() -> None:
    queue, served = Queue(parallel=2, waiting=20, per_client=4), list[str]()

    async def ask(client: str) -> None:
        while len(served) < 400:
            await hold(queue, client, served)

    async with asyncio.TaskGroup() as tasks:
        for client, at_once in {"greedy": 4, "ann": 1, "ben": 1, "cem": 1}.items():
            for _ in range(at_once):
                tasks.create_task(ask(client))
    shares = Counter(served)
    assert max(shares.values()) - min(shares.values()) <= 0.05 * 400


@in_loop
async def test_beyond_the_line_one_is_told_when_to_come_again() -> None:
    queue = Queue(parallel=1, waiting=1, per_client=8)
    async with queue.enter("ann"), queue.enter("ben"):
        with pytest.raises(Refused, match="the server is busy: try again in 2 s") as refused:
            queue.enter("cem")
        assert (refused.value.status, refused.value.retry_after) == (429, queue_module.FIRST_GUESS_S)
    async with queue.enter("cem") as ticket:
        assert ticket.position == 0


@in_loop
async def test_without_a_line_there_is_work_or_refusal() -> None:
    queue = Queue(parallel=1, waiting=0, per_client=8)
    async with queue.enter("ann") as ticket:
        assert ticket.position == 0
        with pytest.raises(Refused, match="busy"):
            queue.enter("ben")


@in_loop
async def test_one_client_has_its_share_and_leaves_room_for_others() -> None:
    queue = Queue(parallel=1, waiting=8, per_client=2)
    async with queue.enter("ann"), queue.enter("ann"):
        with pytest.raises(Refused, match="2 of your questions are under way") as refused:
            queue.enter("ann")
        assert refused.value.status == 429
        async with queue.enter("ben") as other:
            assert other.position == 1
    async with queue.enter("ann"), queue.enter("ann"):
        pass


def test_when_to_come_again_follows_the_last_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(queue_module, "monotonic", lambda: now)

    async def test() -> None:
        nonlocal now
        queue = Queue(parallel=2, waiting=0, per_client=8)
        for seconds in (10.0, 30.0):
            async with queue.enter("ann"):
                now += seconds
        async with queue.enter("ann"), queue.enter("ben"):
            with pytest.raises(Refused) as refused:
                queue.enter("cem")
            assert refused.value.retry_after == 10.0
        queue = Queue(parallel=1, waiting=0, per_client=1)
        async with queue.enter("ann"):
            now += 0.01
        async with queue.enter("ann"):
            with pytest.raises(Refused) as refused:
                queue.enter("ann")
            assert refused.value.retry_after == queue_module.SOONEST_S

    asyncio.run(test())


@in_loop
async def test_who_goes_away_in_line_lets_the_others_move_up() -> None:
    queue, served = Queue(parallel=1, waiting=8, per_client=8), list[str]()
    async with queue.enter("ann"):
        leaving = asyncio.create_task(hold(queue, "ben", served))
        staying = asyncio.create_task(hold(queue, "cem", served))
        await asyncio.sleep(0)
        assert queue.waiting == 2
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert queue.waiting == 1
    await staying
    assert served == ["cem"]
    assert (queue.running, queue.waiting) == (0, 0)


@in_loop
async def test_who_is_called_and_cancelled_at_once_gives_the_turn_on() -> None:
    queue, served = Queue(parallel=1, waiting=8, per_client=8), list[str]()
    async with queue.enter("ann"):
        called = asyncio.create_task(hold(queue, "ben", served))
        other = asyncio.create_task(hold(queue, "cem", served))
        await asyncio.sleep(0)
    called.cancel()
    await other
    assert served == ["cem"]
    assert queue.running == 0


@in_loop
async def test_an_error_frees_the_place() -> None:
    queue = Queue(parallel=1, waiting=0, per_client=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with queue.enter("ann"):
                raise ZeroDivisionError
    assert queue.running == 0


@in_loop
async def test_whatever_happens_no_place_is_lost_or_given_twice() -> None:
    chance = random.Random(0)
    queue, most = Queue(parallel=3, waiting=10, per_client=5), 0
    inside = 0

    async def visit(client: str) -> None:
        nonlocal inside, most
        async with queue.enter(client) as ticket:
            while ticket.position:
                await ticket.moved()
            inside += 1
            most = max(most, inside)
            try:
                await asyncio.sleep(chance.choice((0, 0.0005)))
            finally:
                inside -= 1

    tasks = []
    for _ in range(600):
        tasks.append(asyncio.create_task(visit(chance.choice("abcdef"))))
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        assert queue.running <= 3
        assert queue.waiting <= 10
        assert queue.running == 3 or not queue.waiting
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    unforeseen = [one for one in outcomes if not isinstance(one, Refused | asyncio.CancelledError | None)]
    assert unforeseen == []
    assert most == 3
    assert (queue.running, queue.waiting, queue._working, queue._line) == (0, 0, {}, {})
