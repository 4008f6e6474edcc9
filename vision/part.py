"""A part of a video that counts as a video of its own."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from videomind.errors import VideoError
from videomind.vision.base import VideoReader


class PartReader(VideoReader):
    """The frames of a video between two times. The whole video's reader stays open, and its owner's to close.

    Args:
        whole: the video.
        span: start and end in seconds; cut to the video.

    Raises:
        VideoError: no frame lies in the span.
    """

    def __init__(self, whole: VideoReader, span: tuple[float, float]) -> None:
        super().__init__()
        start, end = span
        self._whole_video = whole
        self._first = min(max(round(start * whole.fps), 0), whole.num_frames)
        last = min(max(round(end * whole.fps), self._first), whole.num_frames)
        if last == self._first:
            raise VideoError(f"{whole.path}: no frame lies between {start:g} s and {end:g} s of {whole.duration:g} s")
        self.path, self.num_frames = whole.path, last - self._first
        self.fps, self.width, self.height = whole.fps, whole.width, whole.height

    @cached_property
    def timestamps(self) -> np.ndarray:
        part = self._whole_video.timestamps[self._first : self._first + self.num_frames]
        shifted: np.ndarray = part - part[0]
        return shifted

    def _decode(self, indices: list[int]) -> np.ndarray:
        return self._whole_video.frames_at([self._first + index for index in indices])

    def _hash(self) -> str:
        return f"{self._whole_video.content_hash}:{self._first}+{self.num_frames}"

    def close(self) -> None:
        super().close()
