"""Who is served when: some at a time, the others in line, each client in turn."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from time import monotonic
from typing import Self

from videomind.serve.errors import Refused

FIRST_GUESS_S = 2.0
"""How long a turn takes, as long as none has ended."""
REMEMBERED = 16
"""Turns whose mean time says when to come again."""
SOONEST_S = 1.0
"""Nobody is told to come again earlier than that."""


class Queue:
    """Places at work and a line before them; all of one event loop.

    Next is the client with the fewest at work; among those the one whose last turn ended, or who came, the longest
    ago. So one that asks much waits behind itself, not before the others. What one client asks is served in the order
    it was asked.

    Args:
        parallel: how many are at work at a time, at least 1.
        waiting: how many may stand in line.
        per_client: how many of them, at work or in line, may be of one client, at least 1.

    Attributes:
        running: how many are at work; like `waiting`, to be read from any thread.
        waiting: how many stand in line.
    """

    def __init__(self, parallel: int, waiting: int, per_client: int) -> None:
        assert parallel >= 1
        assert waiting >= 0
        assert per_client >= 1
        self._parallel, self._most_waiting, self._per_client = parallel, waiting, per_client
        self._line: dict[str, deque[Ticket]] = {}
        self._working: Counter[str] = Counter()
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)
        self.running = self.waiting = 0

    def enter(self, client: str) -> Ticket:
        """Take the last place in the client's own line, or a free one at work.

        Raises:
            Refused: (429, with `retry_after` in seconds) everything is taken, or this client has its share.
        """
        line = self._line.get(client, deque())
        if self._working[client] + len(line) >= self._per_client:
            asked = f"{self._per_client} of your questions are" if self._per_client > 1 else "a question of yours is"
            raise Refused(429, f"{asked} under way already: wait for an answer", retry_after=self._time_of(1.0))
        if self.running == self._parallel and self.waiting >= self._most_waiting:
            soon = self._time_of(1 / self._parallel)
            raise Refused(429, f"the server is busy: try again in {soon:.0f} s", retry_after=soon)
        ticket = Ticket(self, client)
        line.append(ticket)
        self._line[client] = line
        self.waiting += 1
        self._go_on()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give a place back, at work or in line; whoever is next gets it. (Leaving the ticket's context does it.)"""
        client = ticket.client
        if ticket.began is None:
            self._unline(ticket)
        else:
            self._seconds.append(monotonic() - ticket.began)
            self.running -= 1
            self._working -= Counter((client,))
            if client in self._line:
                self._line[client] = self._line.pop(client)
        self._go_on()

    def _go_on(self) -> None:
        """Let the next ones work, and tell the others how far they are."""
        while self._line and self.running < self._parallel:
            ticket = self._in_order()[0]
            self._unline(ticket)
            self.running += 1
            self._working[ticket.client] += 1
            ticket.began = monotonic()
            ticket.move(0)
        for position, ticket in enumerate(self._in_order(), 1):
            ticket.move(position)

    def _in_order(self) -> list[Ticket]:
        """All who wait, the next one first."""
        rounds = [
            (self._working[client] + before, place, ticket)
            for place, (client, line) in enumerate(self._line.items())
            for before, ticket in enumerate(line)
        ]
        return [ticket for *_, ticket in sorted(rounds, key=lambda entry: entry[:2])]

    def _unline(self, ticket: Ticket) -> None:
        line = self._line[ticket.client]
        line.remove(ticket)
        self.waiting -= 1
        if not line:
            del self._line[ticket.client]

    def _time_of(self, turns: float) -> float:
        """Seconds that so many turns take, one after the other, going by the last ones."""
        mean = sum(self._seconds) / len(self._seconds) if self._seconds else FIRST_GUESS_S
        return max(SOONEST_S, turns * mean)


class Ticket:
    """A place in the queue, held until its context (`async with`) is left.

    Attributes:
        client: whose it is.
        position: 0 = its turn has come, 1 = next; it may also grow, when a client comes who has nothing in line yet.
        began: when its turn came (monotonic seconds); None in line.
    """

    def __init__(self, queue: Queue, client: str) -> None:
        self._queue, self._moved = queue, asyncio.Event()
        self.client = client
        self.position = -1
        self.began: float | None = None

    def move(self, position: int) -> None:
        """For the queue: note a position, and tell who waits for it."""
        if position != self.position:
            self.position = position
            self._moved.set()

    async def moved(self) -> int:
        """Wait until the position is another than on entering the context, or than this gave the last time."""
        await self._moved.wait()
        self._moved.clear()
        return self.position

    async def __aenter__(self) -> Self:
        self._moved.clear()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._queue.leave(self)
