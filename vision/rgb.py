"""Decoded pictures as RGB, the right way up."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import VideoReformatter


class ToRgb:
    """Turns pictures of one file into RGB, with one scaler for all; on one thread, as more cost more than they save.

    Args:
        width: pixels, as the viewer sees it.
        height: pixels, likewise.
    """

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._scaler = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """The picture turned as the file asks: uint8 [height, width, 3], a view of FFmpeg's memory."""
        turns = frame.rotation // 90 % 4
        width, height = (self._height, self._width) if turns % 2 else (self._width, self._height)
        plane = self._scaler.reformat(frame, width, height, "rgb24", threads=1).planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, : width * 3]
        return np.rot90(rows.reshape(height, width, 3), turns)
