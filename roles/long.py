"""How to look for a moment in a video longer than a view holds: all at once, in windows, or by key frames first.

The bounds were measured (docs/long-videos.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

from videomind.errors import InputError
from videomind.roles.spec import View

Mode = Literal["whole", "windows", "scan"]
"""One view of the whole video (published); overlapping windows of it; key frames first, then the best few windows."""
Long = Literal["auto", "whole", "windows", "scan"]
"""A mode, or "auto": the one that suits the length of the video."""
MODES: tuple[Long, ...] = get_args(Long)

WHOLE = 2.5
"""A view of the whole video is good enough while its frames are no farther apart than this many times what it wants."""
MOST_VIEWS = 720
"""Beyond so many views' worth of video, key frames are looked at first; as far as was measured, windows find more."""
SCAN_APART = 3.0
"""Key frames that are looked at are at least as far apart as this many frames of a view."""
SCAN_SPARSE = 12.0
"""Key frames that are farther apart than this many frames of a view miss too much to choose windows by."""
SHOWN = 3
"""A key frame is shown so many times in a row, so that a moment of which few are seen is not over in a frame pair."""


def check_long(long: str) -> Long:
    """Raises:
    InputError: there is no such way to look.
    """
    for mode in MODES:
        if long == mode:
            return mode
    raise InputError(f"long is {long!r}: choose from {', '.join(MODES)}")


def views_worth(duration: float, view: View) -> float:
    """How many views, side by side, a video of so many seconds fills; at least 1."""
    return max(1.0, duration * view.fps / view.max_frames)


def choose_mode(long: Long, duration: float, view: View, key_frames: Sequence[int] | None, fps: float) -> Mode:
    """How to look at a video.

    Args:
        long: what is wanted.
        duration: of the video, in seconds.
        view: the grounder's.
        key_frames: numbers of the frames that can be decoded alone, or None where nobody knows.
        fps: frames per second of the video.
    """
    if long != "auto":
        return long
    if views_worth(duration, view) <= WHOLE:
        return "whole"
    if views_worth(duration, view) <= MOST_VIEWS or key_frames is None:
        return "windows"
    return "scan" if _are_dense(key_frames, duration, view, fps) else "windows"


def _are_dense(key_frames: Sequence[int], duration: float, view: View, fps: float) -> bool:
    """Whether gaps too wide for a scan make up no more than a tenth of the video."""
    most = SCAN_SPARSE / view.fps
    times = [0.0, *(number / fps for number in key_frames), duration]
    gaps = [after - before for before, after in pairwise(times)]
    return sum(gap for gap in gaps if gap > most) <= 0.1 * duration


def even_frames(num_frames: int, fps: float, wanted: float) -> list[int]:
    """Numbers of frames `1 / wanted` seconds apart; all frames of a video that has fewer a second.

    Args:
        num_frames: of the video, at least 1.
        fps: its frames per second.
        wanted: frames per second.
    """
    step = max(1.0, fps / wanted)
    return [round(place * step) for place in range(int((num_frames - 1) / step) + 1)]


def scan_frames(num_frames: int, fps: float, view: View, key_frames: Sequence[int] | None) -> list[int]:
    """Numbers of the frames that a scan looks at: key frames that are not too close, else frames evenly spaced."""
    apart = SCAN_APART / view.fps
    if key_frames is None:
        return even_frames(num_frames, fps, 1 / apart)
    chosen: list[int] = []
    for number in key_frames:
        if not chosen or (number - chosen[-1]) / fps >= apart - 1e-6:
            chosen.append(int(number))
    return chosen
