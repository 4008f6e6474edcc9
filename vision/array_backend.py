"""Frames that are in memory already."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from videomind.errors import VideoError
from videomind.vision.base import VideoReader
from videomind.vision.digest import array_digest


class ArrayReader(VideoReader):
    """Frames in memory: uint8 [T, H, W, 3], RGB, evenly spaced at `fps` frames per second.

    Raises:
        VideoError: another shape or dtype, or no frame.
    """

    def __init__(self, frames: np.ndarray | Sequence[np.ndarray], fps: float) -> None:
        super().__init__()
        shapes = {np.shape(frame) for frame in frames}
        if len(shapes) > 1:
            raise VideoError(f"array: frames have different shapes {sorted(shapes)}; give frames of one size")
        pixels = np.asarray(frames)
        if pixels.ndim != 4 or pixels.shape[-1] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
            given = f"{pixels.dtype} {list(pixels.shape)}"
            raise VideoError(f"array: frames are {given}; give uint8 [T, H, W, 3] in RGB, T at least 1")
        self.path = "array"
        self.fps = fps
        self.num_frames, self.height, self.width, _ = pixels.shape
        self._pixels = pixels

    @cached_property
    def timestamps(self) -> np.ndarray:
        seconds: np.ndarray = np.arange(self.num_frames) / self.fps
        return seconds

    def _hash(self) -> str:
        return array_digest(self._pixels, self.fps)

    def _decode(self, indices: list[int]) -> np.ndarray:
        return self._pixels[indices]

    def close(self) -> None:
        """Nothing to free."""
