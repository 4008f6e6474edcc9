"""Which frames a role sees and at what size: the published system's arithmetic, as pure functions.

Source: VideoMind (arXiv 2503.13444) on the frame sampling and smart resizing of Qwen2-VL (arXiv 2409.12191).
"""

from __future__ import annotations

import math

import numpy as np
import torch

from videomind.errors import VideoError
from videomind.roles.spec import View

MAX_ASPECT = 200
"""Pictures longer than this many times their height are refused, as Qwen2-VL does."""


def sample_indices(num_frames: int, fps: float, view: View, span: tuple[float, float] | None = None) -> np.ndarray:
    """Evenly spaced frames of a whole video or of one span of it.

    Args:
        num_frames: frames of the video, at least 1.
        fps: average frames per second of the video.
        view: how densely to look (frames per second, least and most frames).
        span: start and end in seconds, in either order, cut to the video; None = the whole video.

    Returns:
        Ascending frame numbers, int64 [T]. T is even unless the video itself has fewer frames than wanted.
    """
    first, last, total = 0, num_frames - 1, num_frames
    if span is not None:
        start, end = sorted(span)
        first, last = (min(max(round(t * fps), 0), num_frames - 1) for t in (start, end))
        total = min(num_frames, max(4, round((end - start) * fps)))
    wanted = min(max(total / fps * view.fps, view.min_frames), view.max_frames)
    even = max(round(wanted / 2) * 2, 2)
    points = torch.linspace(first, last, min(even, total))  # float32 as published: float64 rounds some otherwise
    indices: np.ndarray = points.round().to(torch.int64).numpy()
    return indices


def smart_resize(height: int, width: int, min_pixels: int, max_pixels: int, factor: int = 28) -> tuple[int, int]:
    """The size at which a picture is seen: multiples of `factor`, its shape kept as well as possible.

    Args:
        height: pixels.
        width: pixels.
        min_pixels: below this the picture is scaled up.
        max_pixels: above this it is scaled down; it is kept even where scaling up would pass it.
        factor: pixels of one visual token.

    Returns:
        Height and width in pixels, each at least `factor`.

    Raises:
        VideoError: one side is more than 200 times the other.
    """
    if max(height, width) > MAX_ASPECT * min(height, width):
        raise VideoError(
            f"a picture of {width}×{height} pixels is too long; one side may be {MAX_ASPECT} times the other"
        )
    high, wide = (max(factor, round(side / factor) * factor) for side in (height, width))
    if high * wide < min_pixels:
        beta = math.sqrt(min_pixels / (height * width))
        high, wide = (math.ceil(side * beta / factor) * factor for side in (height, width))
    if high * wide > max_pixels:
        beta = math.sqrt(height * width / max_pixels)
        high, wide = (max(factor, math.floor(side / beta / factor) * factor) for side in (height, width))
    return high, wide
