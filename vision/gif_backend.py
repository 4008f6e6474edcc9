"""Animated GIFs, with their own frame durations."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from videomind.errors import VideoError
from videomind.vision.base import VideoReader
from videomind.vision.digest import file_digest

SHORTEST = 0.02
"""A frame that asks to be shown for less than this many seconds …"""
DEFAULT_DELAY = 0.1
"""… is shown for this long, as browsers do."""
DAMAGE = (OSError, EOFError, ValueError, SyntaxError, IndexError)
"""What Pillow raises on damaged images."""


class GifReader(VideoReader):
    """An animated GIF; its rate is the number of frames by the sum of their durations.

    Raises:
        VideoError: it is no GIF, or damaged.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = str(path)
        try:
            self._image = Image.open(path, formats=["GIF"])
            asked = [frame.info.get("duration", 0) / 1000 for frame in ImageSequence.Iterator(self._image)]
        except DAMAGE:
            raise VideoError(f"{path}: not a GIF, or a damaged one; give an undamaged copy") from None
        seconds = np.array([delay if delay >= SHORTEST else DEFAULT_DELAY for delay in asked])
        self._starts: np.ndarray = np.cumsum(seconds) - seconds
        self.num_frames = len(seconds)
        self.fps = self.num_frames / float(seconds.sum())
        self.width, self.height = self._image.size

    @cached_property
    def timestamps(self) -> np.ndarray:
        return self._starts

    def _hash(self) -> str:
        return file_digest(Path(self.path))

    def _decode(self, indices: list[int]) -> np.ndarray:
        out = np.empty((len(indices), self.height, self.width, 3), dtype=np.uint8)
        for place, index in enumerate(indices):
            try:
                self._image.seek(index)
                out[place] = np.asarray(self._image.convert("RGB"))
            except DAMAGE:
                raise VideoError(f"{self.path}: frame {index} is damaged; give an undamaged copy") from None
        return out

    def close(self) -> None:
        self._image.close()
