"""Folders of image files, one per frame."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from videomind.errors import VideoError
from videomind.vision.base import VideoReader
from videomind.vision.digest import files_digest

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""Files that count as frames."""


class FolderReader(VideoReader):
    """A folder of image files in natural order of their names (2.jpg before 10.jpg), `fps` frames per second.

    Raises:
        VideoError: no image in it; on reading, an image that is damaged or of another size than the first.
    """

    def __init__(self, path: Path, fps: float) -> None:
        super().__init__()
        self.path = str(path)
        self.fps = fps
        images = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES]
        if not images:
            raise VideoError(f"{path}: a folder without images; it needs {', '.join(sorted(SUFFIXES))} files")
        self._files = sorted(images, key=_natural)
        self.num_frames = len(self._files)
        self.height, self.width, _ = _read_image(self._files[0]).shape

    @cached_property
    def timestamps(self) -> np.ndarray:
        seconds: np.ndarray = np.arange(self.num_frames) / self.fps
        return seconds

    def _hash(self) -> str:
        return files_digest(self._files, self.fps)

    def _decode(self, indices: list[int]) -> np.ndarray:
        out = np.empty((len(indices), self.height, self.width, 3), dtype=np.uint8)
        for place, index in enumerate(indices):
            picture = _read_image(self._files[index])
            if picture.shape != out.shape[1:]:
                size = f"{picture.shape[1]}×{picture.shape[0]}"
                raise VideoError(
                    f"{self._files[index]}: {size} pixels, but the first frame has "
                    f"{self.width}×{self.height}; give frames of one size"
                )
            out[place] = picture
        return out

    def close(self) -> None:
        """Nothing to free."""


def _read_image(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError):
        raise VideoError(f"{file}: not an image, or a damaged one; remove or replace it") from None


def _natural(file: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", file.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
