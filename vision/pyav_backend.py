"""Frames through PyAV: every codec of FFmpeg, and what can be saved of damaged files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal

import av
import numpy as np

from videomind.errors import VideoError
from videomind.vision.base import KEEP_BYTES, VideoReader
from videomind.vision.digest import file_digest
from videomind.vision.probe import Probe
from videomind.vision.rate import average_fps
from videomind.vision.rgb import ToRgb
from videomind.vision.stream import UNREADABLE, frames, from_keyframe, open_container, packets, picture_stream


class PyavReader(VideoReader):
    """Numbers the frames by their packets, so one that cannot be decoded keeps its place on the time axis.

    Args:
        path: the file.
        probed: what it holds.
        skip: what the decoder passes over (FFmpeg's `skip_frame`): "NONKEY" leaves the key frames; in place of any
            other frame the key frame before it is given.
        content: hash of its content where that is known already.
    """

    keep_bytes = KEEP_BYTES

    def __init__(
        self,
        path: Path,
        probed: Probe,
        skip: Literal["DEFAULT", "NONKEY"] = "DEFAULT",
        content: str | None = None,
    ) -> None:
        super().__init__()
        self.path = str(path)
        self.width, self.height = probed.width, probed.height
        self._probed, self._index, self._skip, self._content = probed, probed.index, skip, content
        if skip == "NONKEY":
            self.keep_bytes = 0
        self.num_frames = len(self._index.pts)
        self.fps = average_fps(probed.rate, self.timestamps, self._index.end)
        self._to_rgb = ToRgb(self.width, self.height)
        self._open()

    def _open(self) -> None:
        self._container = open_container(Path(self.path))
        self._stream = picture_stream(self._container, Path(self.path))
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.skip_frame = self._skip
        self._walk_on(packets(self._container, self._stream))

    def _walk_on(self, read: Iterator[av.Packet]) -> None:
        """Decodes these packets from now on: `_before` was shown last, `_after` comes next."""
        self._walk: Iterator[av.VideoFrame] = frames(read)
        self._before: av.VideoFrame | None = None
        self._after: av.VideoFrame | None = next(self._walk, None)

    @cached_property
    def timestamps(self) -> np.ndarray:
        return self._index.seconds

    @property
    def key_frames(self) -> np.ndarray:
        return self._index.key_frames

    def by_key_frames(self) -> PyavReader:
        return PyavReader(Path(self.path), self._probed, skip="NONKEY", content=self.content_hash)

    def _hash(self) -> str:
        return self._content or file_digest(Path(self.path))

    def _decode(self, indices: list[int]) -> np.ndarray:
        out = np.empty((len(indices), self.height, self.width, 3), dtype=np.uint8)
        for place, index in enumerate(indices):
            out[place] = self._to_rgb(self._frame_near(index))
        return out

    def _frame_near(self, index: int) -> av.VideoFrame:
        """The last decodable frame up to this one, else the first one after it."""
        pts = int(self._index.pts[index])
        if self._must_seek(pts):
            self._seek(pts)
        while self._after is not None and self._after.pts <= pts:
            self._before, self._after = self._after, next(self._walk, None)
        found = self._before or self._after
        if found is None:
            raise VideoError(f"{self.path}: nothing near frame {index} can be decoded; give an undamaged copy")
        return found

    def _must_seek(self, pts: int) -> bool:
        if self._before is None or self._before.pts > pts:
            return True
        return self._after is not None and self._key_before(pts) > self._after.pts

    def _seek(self, pts: int) -> None:
        """Goes to the keyframe before; if that takes us beyond, to the one before that; else to the start."""
        key = self._key_before(pts)
        for target in (key, self._key_before(key - 1)):
            try:
                self._container.seek(target, stream=self._stream)
            except UNREADABLE:
                break
            self._walk_on(from_keyframe(packets(self._container, self._stream)))
            if self._after is not None and self._after.pts <= pts:
                return
        self._container.close()
        self._open()

    def _key_before(self, pts: int) -> int:
        keys = self._index.keys
        return int(keys[max(int(np.searchsorted(keys, pts, side="right")) - 1, 0)])

    def close(self) -> None:
        super().close()
        self._walk = iter(())
        self._before = self._after = None
        self._container.close()
