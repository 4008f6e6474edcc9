"""Frames as decord, the decoder of the published system, gives them: the same pixels, count and rate.

Decord can also scale while it decodes, which takes a fraction of the time. That is not used: its pixels differ
from the published ones by several levels on average (benchmarks/decode.py), where one level at most would be tolerated.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import av  # noqa: F401 - before decord, whose libvpx would otherwise take the place of PyAV's
import decord
import numpy as np

from videomind.vision.base import KEEP_BYTES, VideoReader
from videomind.vision.digest import file_digest
from videomind.vision.one_pass import OnePass, OtherwiseError, same_as_decord
from videomind.vision.probe import Probe
from videomind.vision.pyav_backend import PyavReader
from videomind.vision.rate import average_fps

decord.logging.set_level(decord.logging.QUIET)

UNDECODABLE = (decord.DECORDError, RuntimeError, AssertionError)
"""What decord raises where it cannot open or decode a file."""
UNKNOWN_CODECS = frozenset({"av1"})
"""Codecs that decord 0.6.0 lacks."""
MISREAD_CONTAINERS = frozenset({"mpegts", "mpeg"})
"""Formats in which decord 0.6.0 misses the first group of pictures, so all frames come too late."""


def suits_decord(probed: Probe) -> bool:
    """Whether decord 0.6.0 gives the right frames of a file.

    Where frames are shown before the keyframe that they follow in the file (open groups of pictures, as x265
    makes them by default), it miscounts after a seek and gives frames that are a few places off. Where the
    header claims more frames than there are, it may end the whole process.
    """
    return (
        probed.codec not in UNKNOWN_CODECS
        and probed.container not in MISREAD_CONTAINERS
        and probed.index.closed
        and probed.index.complete
    )


class DecordReader(VideoReader):
    """Counts frames as decord does and gives its pixels: from `OnePass` where these are the same, else from decord.

    Frames around damage, which decord refuses, come from PyAV by their time.

    Raises:
        decord.DECORDError, RuntimeError, AssertionError: decord cannot open the file.
    """

    keep_bytes = KEEP_BYTES

    def __init__(self, path: Path, probed: Probe) -> None:
        super().__init__()
        self.path = str(path)
        self.width, self.height = probed.width, probed.height
        self._probed = probed
        self._one_pass: OnePass | None = None
        self._rescue: PyavReader | None = None
        self._reader = decord.VideoReader(self.path)
        self._times = self._reader.get_frame_timestamp(range(len(self._reader))).astype(np.float64)
        self.num_frames = len(self._reader)
        self.fps = average_fps(float(self._reader.get_avg_fps()), self.timestamps, float(self._times[-1, 1]))
        self._suits_one_pass = same_as_decord(probed) and self._counts_packets()

    @cached_property
    def timestamps(self) -> np.ndarray:
        starts: np.ndarray = self._times[:, 0]
        return starts

    @property
    def key_frames(self) -> np.ndarray | None:
        """None where decord counts other frames than the packets tell."""
        return self._probed.index.key_frames if self._counts_packets() else None

    def by_key_frames(self) -> PyavReader:
        return PyavReader(Path(self.path), self._probed, skip="NONKEY", content=self.content_hash)

    def _hash(self) -> str:
        return file_digest(Path(self.path))

    def _counts_packets(self) -> bool:
        """Whether decord counts the frames that the packets tell, so that they have the same numbers."""
        seconds, times = self._probed.index.seconds, self.timestamps - self.timestamps[0]
        return len(seconds) == self.num_frames and np.allclose(seconds, times, rtol=1e-6, atol=1e-3)

    def _decode(self, indices: list[int]) -> np.ndarray:
        if self._suits_one_pass:
            try:
                self._one_pass = self._one_pass or OnePass(Path(self.path), self._probed)
                return self._one_pass.frames(indices)
            except OtherwiseError:
                self._suits_one_pass = False
        return self._decode_with_decord(indices)

    def _decode_with_decord(self, indices: list[int]) -> np.ndarray:
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
        super().close()
        self._reader = None
        if self._one_pass is not None:
            self._one_pass.close()
        if self._rescue is not None:
            self._rescue.close()
