"""What is kept of views seen before: their visual tokens (exact for every role), mean states, or KV."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows how many bytes it takes, like a tensor."""

    @property
    def nbytes(self) -> int: ...


T = TypeVar("T", bound=Sized)


class ByteCache(Generic[T]):
    """Keeps what was made for a key; the least recently used goes first beyond `max_bytes`. Safe to share.

    What is larger than that by itself is given, but not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.bytes, self.made, self.reused = max_bytes, 0, 0, 0
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> tuple[T, bool]:
        """What is kept under `key`, or what `make` makes now; and whether it had to."""
        return self.get_all([key], lambda _: [make()])[0]

    def get_all(self, keys: Sequence[Hashable], make: Callable[[list[int]], Sequence[T]]) -> list[tuple[T, bool]]:
        """For each key what is kept under it, or what is made now; and whether it had to be.

        Args:
            keys: what is wanted; one may be wanted several times, and is then made once.
            make: makes what belongs to the keys at these places, all at once.
        """
        known = self.find(keys)
        first = {key: place for place, key in reversed(list(enumerate(keys))) if key not in known}
        places = sorted(first.values())
        new = dict(zip((keys[place] for place in places), make(places), strict=True)) if places else {}
        for key, value in new.items():
            self.keep(key, value)
        self.reused += sum(key in new for key in keys) - len(new)
        values = known | new
        return [(values[key], first.get(key) == place) for place, key in enumerate(keys)]

    def find(self, keys: Sequence[Hashable]) -> dict[Hashable, T]:
        """What is kept under these keys."""
        known: dict[Hashable, T] = {}
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    known[key] = self._kept[key]
                    self.reused += 1
        return known

    def keep(self, key: Hashable, value: T) -> None:
        """Keep what was just made."""
        with self._lock:
            self.made += 1
            if key in self._kept or value.nbytes > self.max_bytes:
                return
            self._kept[key] = value
            self.bytes += value.nbytes
            while self.bytes > self.max_bytes:
                self.bytes -= self._kept.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0
