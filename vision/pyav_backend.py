"""Frames through PyAV: every codec of FFmpeg, and what can be saved of damaged files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import av
import numpy as np

from videomind.errors import VideoError
from videomind.vision.base import VideoReader
from videomind.vision.digest import file_digest
from videomind.vision.probe import Probe
from videomind.vision.rate import average_fps
from videomind.vision.stream import UNREADABLE, frames, open_container, packets, picture_stream, upright


class PyavReader(VideoReader):
    """Numbers the frames by their packets, so one that cannot be decoded keeps its place on the time axis.

    Raises:
        VideoError: the file holds no picture stream or no packet of one.
    """

    def __init__(self, path: Path, probed: Probe) -> None:
        super().__init__()
        self.path = str(path)
        self.width, self.height = probed.width, probed.height
        self._container = open_container(path)
        self._stream = picture_stream(self._container, path)
        self._stream.thread_type = "AUTO"
        self._index()
        self._walk: Iterator[av.VideoFrame] = iter(())
        self._before: av.VideoFrame | None = None
        self._after: av.VideoFrame | None = None

    def _index(self) -> None:
        shown = [p for p in packets(self._container, self._stream) if p.size and not p.is_discard]
        timed = [(p.dts if p.pts is None else p.pts, p.duration or 0, p) for p in shown]
        timed = sorted((entry for entry in timed if entry[0] is not None), key=lambda entry: entry[0])
        if not timed:
            raise VideoError(f"{self.path}: its picture stream is empty; give an undamaged copy")
        self._pts: list[int] = [pts for pts, _, _ in timed]
        self._keys: list[int] = [pts for pts, _, packet in timed if packet.is_keyframe] or self._pts[:1]
        self.num_frames = len(timed)
        end = float((self._pts[-1] + timed[-1][1] - self._pts[0]) * self._stream.time_base)
        self.fps = average_fps(float(self._stream.average_rate or 0), self.timestamps, end)

    @cached_property
    def timestamps(self) -> np.ndarray:
        ticks = np.asarray(self._pts, dtype=np.float64) - self._pts[0]
        seconds: np.ndarray = ticks * float(self._stream.time_base)
        return seconds

    def _hash(self) -> str:
        return file_digest(Path(self.path))

    def _decode(self, indices: list[int]) -> np.ndarray:
        out = np.empty((len(indices), self.height, self.width, 3), dtype=np.uint8)
        for place, index in enumerate(indices):
            out[place] = upright(self._frame_near(self._pts[index]), self.width, self.height)
        return out

    def _frame_near(self, pts: int) -> av.VideoFrame:
        """The last decodable frame up to this time, else the first one after it."""
        if self._must_seek(pts):
            self._seek(pts)
        while self._after is not None and self._after.pts <= pts:
            self._before, self._after = self._after, next(self._walk, None)
        found = self._before or self._after
        if found is None:
            raise VideoError(
                f"{self.path}: nothing near {self._seconds(pts):.2f} s can be decoded; give a better copy"
            )
        return found

    def _must_seek(self, pts: int) -> bool:
        if self._before is None or self._before.pts > pts:
            return True
        return self._after is not None and self._keyframe(pts) > self._after.pts

    def _seek(self, pts: int) -> None:
        self._start_at(self._keyframe(pts))
        if self._after is None or self._after.pts > pts:
            self._start_at(self._pts[0])

    def _start_at(self, pts: int) -> None:
        try:
            self._container.seek(pts, stream=self._stream)
        except UNREADABLE:
            self._reopen()
        self._before = None
        self._walk = frames(self._container, self._stream)
        self._after = next(self._walk, None)

    def _reopen(self) -> None:
        self._container.close()
        self._container = open_container(Path(self.path))
        self._stream = picture_stream(self._container, Path(self.path))
        self._stream.thread_type = "AUTO"

    def _keyframe(self, pts: int) -> int:
        return self._keys[max(bisect_right(self._keys, pts) - 1, 0)]

    def _seconds(self, pts: int) -> float:
        return float((pts - self._pts[0]) * self._stream.time_base)

    def close(self) -> None:
        self._walk = iter(())
        self._before = self._after = None
        self._container.close()
