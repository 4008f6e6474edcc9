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
        self.max_bytes, self.bytes, self.made = max_bytes, 0, 0
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> tuple[T, bool]:
        """What is kept under `key`, or what `make` makes now; and whether it had to."""
        known = self.find([key])
        if key in known:
            return known[key], False
        value = make()
        self.keep(key, value)
        return value, True

    def find(self, keys: Sequence[Hashable]) -> dict[Hashable, T]:
        """What is kept under these keys."""
        known: dict[Hashable, T] = {}
        with self._lock:
            for key in keys:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    known[key] = self._kept[key]
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
