"""Frames through decord, the decoder of the published system: the same pixels, count and rate."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import decord
import numpy as np

from videomind.vision.base import VideoReader
from videomind.vision.digest import file_digest
from videomind.vision.probe import Probe
from videomind.vision.pyav_backend import PyavReader
from videomind.vision.rate import average_fps

decord.logging.set_level(decord.logging.QUIET)

UNDECODABLE = (decord.DECORDError, RuntimeError, AssertionError)
"""What decord raises where it cannot open or decode a file."""


class DecordReader(VideoReader):
    """Decodes with decord; frames around damage, which decord refuses, come from PyAV by their time.

    Raises:
        decord.DECORDError, RuntimeError, AssertionError: decord cannot open the file.
    """

    def __init__(self, path: Path, probed: Probe) -> None:
        super().__init__()
        self.path = str(path)
        self.width, self.height = probed.width, probed.height
        self._probed = probed
        self._rescue: PyavReader | None = None
        self._reader = decord.VideoReader(self.path)
        self._times = self._reader.get_frame_timestamp(range(len(self._reader))).astype(np.float64)
        self.num_frames = len(self._reader)
        self.fps = average_fps(float(self._reader.get_avg_fps()), self.timestamps, float(self._times[-1, 1]))

    @cached_property
    def timestamps(self) -> np.ndarray:
        starts: np.ndarray = self._times[:, 0]
        return starts

    def _hash(self) -> str:
        return file_digest(Path(self.path))

    def _decode(self, indices: list[int]) -> np.ndarray:
        if self._rescue is None:
            try:
                frames: np.ndarray = self._reader.get_batch(indices).asnumpy()
            except UNDECODABLE:
                frames = np.empty(0, dtype=np.uint8)
            if frames.shape == (len(indices), self.height, self.width, 3):
                return frames
            self._rescue = PyavReader(Path(self.path), self._probed)
        return self._rescue.frames_at_seconds(self.timestamps[indices])

    def close(self) -> None:
        del self._reader
        if self._rescue is not None:
            self._rescue.close()
