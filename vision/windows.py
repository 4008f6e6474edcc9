"""Clips of windows: frames that were chosen one by one, through the same cache as all others."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from videomind.roles.spec import View
from videomind.roles.windows import Window
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache, FrameKey
from videomind.vision.clip import Clip, decode_frames
from videomind.vision.sampling import smart_resize

GROUP_BYTES = 64 * 2**20
"""Bytes of frames of the windows that are looked at together."""
GROUP = 16
"""Windows that are looked at together at most."""


def in_groups(windows: Sequence[Window], reader: VideoReader, view: View, shown: int = 1) -> list[Sequence[Window]]:
    """The windows in groups whose frames take no more than `GROUP_BYTES` (or single windows), in their order.

    Args:
        windows: of one video.
        reader: the video.
        view: the size at which frames are seen.
        shown: how often each frame is shown.
    """
    height, width = smart_resize(reader.height, reader.width, view.min_pixels, view.max_pixels)
    most = max((len(window.frames) for window in windows), default=1) * shown * height * width * 3
    size = max(1, min(GROUP, GROUP_BYTES // most))
    return [windows[start : start + size] for start in range(0, len(windows), size)]


def load_groups(
    reader: VideoReader, view: View, groups: Sequence[Sequence[Window]], cache: FrameCache, shown: int = 1
) -> Generator[list[Clip]]:
    """The clips of one group after the other; the next is loaded in a thread while the caller works with the last.

    Args:
        reader: as for `load_windows`.
        view: the size at which frames are seen.
        groups: windows of this video; at least one group.
        cache: frames at hand from earlier; new ones are added.
        shown: how often each frame is shown.

    Raises:
        VideoError: as `load_windows`, when the group that cannot be loaded is asked for.
    """
    first, *others = groups
    with ThreadPoolExecutor(1, "windows") as thread:
        coming = thread.submit(load_windows, reader, view, first, cache, shown)
        for group in others:
            clips = coming.result()
            coming = thread.submit(load_windows, reader, view, group, cache, shown)
            yield clips
        yield coming.result()


def load_windows(
    reader: VideoReader, view: View, windows: Sequence[Window], cache: FrameCache, shown: int = 1
) -> list[Clip]:
    """What is seen of each window; every frame that is not in the cache is decoded once, from front to back.

    Args:
        reader: the video, or its reader by key frames where the windows hold nothing else.
        view: the size at which frames are seen.
        windows: of this video.
        cache: frames at hand from earlier; new ones are added.
        shown: how often each frame is shown.

    Raises:
        VideoError: a frame cannot be decoded, or the picture is too long and narrow.
    """
    content = reader.content_hash
    height, width = smart_resize(reader.height, reader.width, view.min_pixels, view.max_pixels)
    keys = {FrameKey(content, frame, height, width) for window in windows for frame in window.frames}
    found = {key.frame: frame for key in keys if (frame := cache.get(key)) is not None}
    for key, frame in decode_frames(reader, {key for key in keys if key.frame not in found}):
        found[key.frame] = frame
        cache.put(key, frame)
    clips = []
    for window in windows:
        indices = tuple(frame for frame in window.frames for _ in range(shown))
        frames = np.stack([found[index] for index in indices])
        clips.append(Clip(frames, indices, window.span, reader.fps, content))
    return clips
