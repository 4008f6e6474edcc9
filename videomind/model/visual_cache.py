"""What is kept of views seen before: their visual tokens (exact for every role), or their mean states."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from torch import Tensor


class VisualCache:
    """Least recently used views are dropped beyond `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.bytes, self.encoded, self.reused = max_bytes, 0, 0, 0
        self._views: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, encode: Callable[[], Tensor]) -> tuple[Tensor, bool]:
        """The tokens stored under `key`, or those that `encode` makes now; and whether it had to."""
        with self._lock:
            if key in self._views:
                self._views.move_to_end(key)
                self.reused += 1
                return self._views[key], False
        tokens = encode()
        with self._lock:
            self.encoded += 1
            if key not in self._views:
                self._views[key] = tokens
                self.bytes += tokens.nbytes
            while self.bytes > self.max_bytes and self._views:
                self.bytes -= self._views.popitem(last=False)[1].nbytes
        return tokens, True

    def clear(self) -> None:
        """Forget all views."""
        with self._lock:
            self._views.clear()
            self.bytes = 0
