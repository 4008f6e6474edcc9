"""How often an address has come with a wrong key of late: nobody shall try keys by the thousand."""

from __future__ import annotations

from collections import OrderedDict, deque
from time import monotonic

MOST, PER_S = 20, 60.0
"""Wrong keys of one address in that many seconds."""
REMEMBERED = 10_000
"""Addresses."""


class Attempts:
    """Remembers the addresses that failed last; for one thread."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, address: str) -> None:
        """A wrong key came from there."""
        times = self._wrong.setdefault(address, deque(maxlen=MOST))
        times.append(monotonic())
        self._wrong.move_to_end(address)
        while len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)

    def too_many(self, address: str) -> bool:
        """Whether to look at no key from there for a while."""
        times = self._wrong.get(address)
        return times is not None and len(times) == MOST and monotonic() - times[0] < PER_S
