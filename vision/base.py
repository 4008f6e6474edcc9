"""What every source of frames can do: the contract that the backends implement."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from types import TracebackType
from typing import Self

import numpy as np

from videomind.errors import VideoError
from videomind.results import VideoInfo

MANY = 16
"""Frames asked for at once from which on the whole of a short video is decoded."""
KEEP_BYTES = 128 * 2**20
"""What file readers keep at most: 24 seconds of 320×240 pixels at 24 frames a second."""


class VideoReader(ABC):
    """Frames of one video, by index or by time. Open one with `videomind.vision.reader.open_video`.

    The picture is always as the viewer sees it (rotation applied), uint8, RGB. A frame that cannot be decoded
    is replaced by the nearest one that can. Threads may share a reader: it decodes one request at a time.

    Attributes:
        path: the file or folder ("array" for frames in memory).
        num_frames: number of frames, at least 1.
        fps: average frames per second.
        width: pixels.
        height: pixels.
        keep_bytes: a video whose frames take at most this much is decoded once, when many are asked for, and kept.
    """

    keep_bytes: int = 0
    path: str
    num_frames: int
    fps: float
    width: int
    height: int

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._whole: np.ndarray | None = None

    @abstractmethod
    def _decode(self, indices: list[int]) -> np.ndarray:
        """The frames at these ascending, distinct, valid indices: uint8 [len(indices), height, width, 3]."""

    @abstractmethod
    def _hash(self) -> str:
        """SHA-256 of the content, in hexadecimal."""

    @property
    def key_frames(self) -> np.ndarray | None:
        """Numbers of the frames that can be decoded without others: int64, ascending; None where nobody knows."""
        return None

    def by_key_frames(self) -> VideoReader:
        """A reader of the same video for its key frames alone, which decodes no other frame; the caller closes it.

        Raises:
            VideoError: nobody knows which frames these are.
        """
        raise VideoError(f"{self.path}: it is not known which of its frames can be decoded alone")

    @cached_property
    @abstractmethod
    def timestamps(self) -> np.ndarray:
        """When each frame is shown, in seconds after the first: float64 [num_frames], ascending."""

    @property
    def duration(self) -> float:
        """Seconds, as the published system counts them: number of frames / average frames per second."""
        return self.num_frames / self.fps

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the content; the same video under another name has the same hash."""
        return self._hash()

    @property
    def info(self) -> VideoInfo:
        return VideoInfo(self.path, self.duration, self.fps, self.width, self.height)

    def shown_at(self, seconds: float) -> float:
        """When a player shows what a result calls `seconds`: the same, but where the frame rate varies.

        Times of results count frames at the average rate, as in the published system; a player follows the clock.
        """
        ends = np.append(self.timestamps, self.timestamps[-1] + 1 / self.fps)
        return float(np.interp(seconds * self.fps, np.arange(len(ends)), ends))

    def frames_at(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The frames at these indices, in this order; an index may be repeated.

        Args:
            indices: frame numbers from 0 to num_frames - 1.

        Returns:
            uint8 [len(indices), height, width, 3], RGB.

        Raises:
            VideoError: an index is outside the video, or nothing around it can be decoded.
        """
        wanted = np.asarray(indices, dtype=np.int64).reshape(-1)
        if wanted.size == 0:
            return np.empty((0, self.height, self.width, 3), dtype=np.uint8)
        if wanted.min() < 0 or wanted.max() >= self.num_frames:
            outside = wanted[(wanted < 0) | (wanted >= self.num_frames)][0]
            raise VideoError(f"{self.path}: frame {outside} is outside 0 to {self.num_frames - 1}")
        distinct, places = np.unique(wanted, return_inverse=True)
        with self._lock:
            frames = self._fetch(distinct)
        return frames if np.array_equal(distinct, wanted) else frames[places]

    def _fetch(self, distinct: np.ndarray) -> np.ndarray:
        """The frames from memory where the whole video is kept, else decoded.

        Between keyframes every frame must be decoded to reach the next, so all frames cost hardly more than many.
        """
        fits = self.num_frames * self.height * self.width * 3 <= self.keep_bytes
        if self._whole is None and fits and len(distinct) >= MANY:
            self._whole = self._decode(list(range(self.num_frames)))
        return self._decode(distinct.tolist()) if self._whole is None else self._whole[distinct]

    def frames_at_seconds(self, seconds: Sequence[float] | np.ndarray) -> np.ndarray:
        """The frames shown at these times: uint8 [len(seconds), height, width, 3], RGB.

        Times before the first or after the last frame give the first or last frame.
        """
        times = np.asarray(seconds, dtype=np.float64).reshape(-1)
        shown = np.searchsorted(self.timestamps, times + 1e-6, side="right") - 1
        return self.frames_at(np.clip(shown, 0, self.num_frames - 1))

    @abstractmethod
    def close(self) -> None:
        """Frees the file and the frames kept. The reader cannot be used afterwards."""
        self._whole = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
