"""Stored videos, open for reading: each in a process of its own, the last ones kept open with what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.reader import SandboxedReader
from videomind.serve.store.library import Library, VideoFile
from videomind.vision.base import VideoReader
from videomind.vision.open_videos import OpenVideos

OPEN = 4
"""Files that stay open."""


class Videos:
    """Safe to share between threads.

    Args:
        library: where they are.
        limits: what decoding one of them may take.
    """

    def __init__(self, library: Library, limits: Limits) -> None:
        self._library, self.limits = library, limits
        self._open = OpenVideos(OPEN)

    @contextmanager
    def reader(self, video: VideoFile) -> Iterator[VideoReader]:
        """The frames of a video. It stays open for further questions.

        Raises:
            Refused: (410) its file is gone.
            VideoError: it cannot be decoded within the limits.
        """
        with self._open.reader(
            self._library.path(video), lambda path: SandboxedReader(path, self.limits, video.name, video.sha256)
        ) as reader:
            yield reader

    def close(self) -> None:
        """Close all of them."""
        self._open.clear()
