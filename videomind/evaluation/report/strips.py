"""Film strips for a page: a few frames across a video in one small JPEG, as text that the page holds."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from videomind.annotations.fields import RelativePath
from videomind.errors import VideoMindError
from videomind.vision.base import VideoReader
from videomind.vision.reader import open_video
from videomind.vision.resize import resize_frames

WIDTH = 960
"""Pixels of a strip, at most."""
HEIGHT = 72
"""Pixels of a strip, about."""
QUALITY = 70
MAX_TOTAL = 8 * 2**20
"""Bytes of JPEG in one page; strips beyond it are left out."""
_PATH: TypeAdapter[str] = TypeAdapter(RelativePath)


@dataclass(frozen=True, slots=True)
class Strip:
    """A picture as a data URI and the length of its video in seconds, or why there is none."""

    uri: str = ""
    duration: float | None = None
    problem: str = ""


@dataclass(slots=True)
class Strips:
    """Makes the strips of one page; those of the same video are made once.

    Attributes:
        room: bytes that are left.
    """

    room: int = MAX_TOTAL
    _made: dict[Path, Strip] = field(default_factory=dict)

    def of(self, folder: Path | None, video: str) -> Strip:
        """The strip of a video, by the folder of the videos and its path in it."""
        if folder is None:
            return Strip(problem="where the videos lie is not known (no run.json beside the task)")
        try:
            path = folder / _PATH.validate_python(video)
        except ValidationError:
            return Strip(problem="the path of the video leads out of the folder of videos")
        if path not in self._made:
            self._made[path] = self._make(path)
        return self._made[path]

    def _make(self, path: Path) -> Strip:
        if self.room <= 0:
            return Strip(problem="no picture: the page is full")
        if not path.exists():
            return Strip(problem="no picture: the video is no longer there")
        try:
            with open_video(path) as reader:
                jpeg, duration = _jpeg(reader), reader.duration
        except VideoMindError as error:
            return Strip(problem=f"no picture: {error}")
        self.room -= len(jpeg)
        return Strip("data:image/jpeg;base64," + base64.b64encode(jpeg).decode(), duration)


def _jpeg(reader: VideoReader) -> bytes:
    """Frames side by side, each from the middle of its part of the video."""
    width = max(8, round(HEIGHT * reader.width / reader.height))
    count = max(1, min(16, WIDTH // width))
    indices = ((np.arange(count) + 0.5) * reader.num_frames / count).astype(int)
    frames = resize_frames(reader.frames_at(indices), HEIGHT, min(width, WIDTH))
    picture = io.BytesIO()
    Image.fromarray(np.concatenate(list(frames), axis=1)).save(picture, "JPEG", quality=QUALITY, optimize=True)
    return picture.getvalue()
