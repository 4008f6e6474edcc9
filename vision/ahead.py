"""Decoding ahead: frames that will be wanted of a video, resized, in another process than the one that wants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from videomind.roles.spec import View
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameKey
from videomind.vision.clip import decode_frames, frame_keys
from videomind.vision.reader import open_video
from videomind.vision.sampling import smart_resize

MAX_BYTES = 256 * 2**20
"""Of the frames of one video. Where all its frames fit, none will be missing, whatever part a role looks at."""


def decode_ahead(path: Path, views: Sequence[View], max_bytes: int = MAX_BYTES) -> list[tuple[FrameKey, np.ndarray]]:
    """Frames of a video as the views will ask for them.

    Args:
        path: the video.
        views: those whose frames are wanted.
        max_bytes: all frames are decoded, in every size of the views, if they take no more than this; else those of
            the views on the whole video.

    Raises:
        VideoError: the video cannot be read.
    """
    with open_video(path) as reader:
        wanted = set(_all_keys(reader, views))
        if sum(key.height * key.width * 3 for key in wanted) > max_bytes:
            wanted = {key for view in views for key in frame_keys(reader, view, None)}
        return list(decode_frames(reader, wanted))


def _all_keys(reader: VideoReader, views: Sequence[View]) -> Iterator[FrameKey]:
    budgets = {(view.min_pixels, view.max_pixels) for view in views}
    for height, width in {smart_resize(reader.height, reader.width, *budget) for budget in budgets}:
        for index in range(reader.num_frames):
            yield FrameKey(reader.content_hash, index, height, width)
