"""Opening whatever can be seen as a video: files, folders of frames, animated GIFs, arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from videomind.errors import InputError, VideoError
from videomind.vision.array_backend import ArrayReader
from videomind.vision.base import VideoReader
from videomind.vision.decord_backend import UNDECODABLE, DecordReader, suits_decord
from videomind.vision.folder_backend import FolderReader
from videomind.vision.gif_backend import GifReader
from videomind.vision.probe import probe
from videomind.vision.pyav_backend import PyavReader

__all__ = ["VideoReader", "open_video"]

FRAMES_FPS = 1.0
"""Frames per second of folders and arrays, where nothing else is said."""


def open_video(source: str | Path | np.ndarray | Sequence[np.ndarray], *, fps: float | None = None) -> VideoReader:
    """Opens a video for reading.

    Files are decoded by decord as in the published system; by PyAV where decord fails or errs.

    Args:
        source: a video file; an animated GIF; a folder of image files; or frames in RGB, uint8 [T, H, W, 3],
            as one array or as a sequence of [H, W, 3].
        fps: frames per second of a folder or of frames (1 unless given). Files have their own.

    Raises:
        VideoError: the file is missing, empty, no video, has no picture, or no frame of it can be decoded.
        InputError: `fps` is not positive, or is given for a file.
    """
    if fps is not None and not fps > 0:
        raise InputError(f"fps is {fps}; give a positive number of frames per second")
    if not isinstance(source, str | Path):
        return ArrayReader(source, fps or FRAMES_FPS)
    path = Path(source)
    if not path.exists():
        raise VideoError(f"{path}: no such file; give the path of a video file or of a folder of frames")
    if path.is_dir():
        return FolderReader(path, fps or FRAMES_FPS)
    if fps is not None:
        raise InputError(f"{path}: fps is for folders and arrays, a video file has its own; leave fps out")
    return _open_file(path)


def _open_file(path: Path) -> VideoReader:
    if path.suffix.lower() == ".gif":
        return GifReader(path)
    probed = probe(path)
    if suits_decord(probed):
        with suppress(*UNDECODABLE):
            return DecordReader(path, probed)
    return PyavReader(path, probed)
