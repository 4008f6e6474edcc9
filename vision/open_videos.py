"""Files that stay open between questions, with what their readers keep: index, hash, and the frames of short videos."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from videomind.vision.base import VideoReader

Key = tuple[Path, int, int]


@dataclass(slots=True)
class _Open:
    reader: VideoReader | None = None
    users: int = 0
    kept: bool = True
    opening: threading.Lock = field(default_factory=threading.Lock)

    def opened(self, path: Path, open_file: Callable[[Path], VideoReader]) -> VideoReader:
        """Opened by the first who asks; others who want the same file wait, and nobody else does."""
        with self.opening:
            if self.reader is None:
                self.reader = open_file(path)
            return self.reader


class OpenVideos:
    """Keeps the last `most` files open; safe to share between threads, which may read the same file at once.

    A file that has changed since (size or time of change) is opened anew.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: OrderedDict[Key, _Open] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def reader(self, path: Path, open_file: Callable[[Path], VideoReader]) -> Iterator[VideoReader]:
        """The reader of a file; `open_file` is called where it is not open yet."""
        entry = self._lease(path)
        try:
            yield entry.opened(path, open_file)
        finally:
            self._give_back(entry)

    def clear(self) -> None:
        """Close all files, those in use as soon as they no longer are."""
        with self._lock:
            while self._open:
                self._drop_oldest()

    def _lease(self, path: Path) -> _Open:
        stat = path.stat()
        key = (path.resolve(), stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if key not in self._open:
                self._open[key] = _Open()
            self._open.move_to_end(key)
            entry = self._open[key]
            entry.users += 1
            while len(self._open) > self.most:
                self._drop_oldest()
            return entry

    def _give_back(self, entry: _Open) -> None:
        with self._lock:
            entry.users -= 1
            _close_unwanted(entry)

    def _drop_oldest(self) -> None:
        entry = self._open.popitem(last=False)[1]
        entry.kept = False
        _close_unwanted(entry)


def _close_unwanted(entry: _Open) -> None:
    if not entry.kept and not entry.users and entry.reader is not None:
        entry.reader.close()
