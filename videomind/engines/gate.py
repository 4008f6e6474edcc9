"""Back-pressure: how many requests may be inside an engine at once, and in which order the others follow."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Lets `limit` requests in; those that wait enter by priority (smaller first), then in order of arrival."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def enter(self, priority: int) -> AsyncIterator[None]:
        """Hold one of the places."""
        await self._take(priority)
        try:
            yield
        finally:
            self._give()

    @property
    def waiting(self) -> int:
        """How many wait to enter. May be read from any thread."""
        return sum(not turn.done() for _, _, turn in [*self._waiting])

    async def _take(self, priority: int) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the place was given in the moment of giving up
                self._give()
            raise

    def _give(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
