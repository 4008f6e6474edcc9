"""Resized frames of recently seen videos, so that two views that need the same frame decode it once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np


class FrameKey(NamedTuple):
    """One frame at one size.

    Attributes:
        content: hash of the video's content.
        frame: its number.
        height: pixels after resizing.
        width: pixels after resizing.
    """

    content: str
    frame: int
    height: int
    width: int


class FrameCache:
    """Keeps up to `max_bytes` of frames; the longest unused go first. Safe to share between threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._frames: OrderedDict[FrameKey, np.ndarray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes held at present."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._frames)

    def get(self, key: FrameKey) -> np.ndarray | None:
        """The frame, uint8 [height, width, 3] and read-only, or None. It counts as used now."""
        with self._lock:
            if key not in self._frames:
                return None
            self._frames.move_to_end(key)
            return self._frames[key]

    def put(self, key: FrameKey, frame: np.ndarray) -> None:
        """Keeps a copy of the frame, uint8 [height, width, 3], unless it is larger than the whole cache."""
        if frame.nbytes > self.max_bytes:
            return
        kept = frame.copy()
        kept.flags.writeable = False
        with self._lock:
            self._drop(key)
            self._frames[key] = kept
            self._bytes += kept.nbytes
            while self._bytes > self.max_bytes:
                self._drop(next(iter(self._frames)))

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._frames.clear()
            self._bytes = 0

    def check_integrity(self) -> None:
        """Asserts that the books are right: bytes counted, bound kept, sizes as their keys say."""
        with self._lock:
            assert self._bytes == sum(frame.nbytes for frame in self._frames.values())
            assert self._bytes <= self.max_bytes
            for key, frame in self._frames.items():
                assert frame.shape == (key.height, key.width, 3), f"{key} has shape {frame.shape}"
                assert not frame.flags.writeable

    def _drop(self, key: FrameKey) -> None:
        dropped = self._frames.pop(key, None)
        if dropped is not None:
            self._bytes -= dropped.nbytes
