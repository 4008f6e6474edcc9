"""Clips of windows: the frames that were chosen, once decoded for all, and only a group of windows at a time."""

import threading
import time
from contextlib import closing

import numpy as np
import pytest

from tests.vision.media import numbered_frames, numbers_of
from tests.waiting import wait_for
from videomind.errors import VideoError
from videomind.roles.spec import CELL, View
from videomind.roles.windows import Window, cut
from videomind.vision.array_backend import ArrayReader
from videomind.vision.cache import FrameCache
from videomind.vision.windows import GROUP, in_groups, load_groups, load_windows

VIEW = View(fps=5.0, max_frames=8, min_pixels=16 * CELL, max_pixels=16 * CELL)
EVERY_OTHER = range(0, 60, 2)


class Counting(ArrayReader):
    decoded: list[int]

    def _decode(self, indices: list[int]) -> np.ndarray:
        self.decoded += indices
        return super()._decode(indices)


@pytest.fixture
def reader() -> Counting:
    reader = Counting(numbered_frames(60), 10.0)
    reader.decoded = []
    return reader


def test_windows_share_the_frames_of_their_overlap(reader: Counting) -> None:
    windows, cache = cut(EVERY_OTHER, reader.fps, VIEW.max_frames), FrameCache(1 << 30)
    clips = load_windows(reader, VIEW, windows, cache)
    assert [numbers_of(clip.frames) for clip in clips] == [list(window.frames) for window in windows]
    assert [(clip.indices, clip.span) for clip in clips] == [(window.frames, window.span) for window in windows]
    assert reader.decoded == list(EVERY_OTHER)
    load_windows(reader, VIEW, windows, cache)
    assert reader.decoded == list(EVERY_OTHER)


def test_a_frame_may_be_shown_twice(reader: Counting) -> None:
    (clip,) = load_windows(reader, VIEW, cut([3, 9], 10.0, 4), FrameCache(1 << 30), shown=2)
    assert clip.indices == (3, 3, 9, 9)
    assert numbers_of(clip.frames) == [3, 3, 9, 9]


def test_the_next_group_is_loaded_while_the_last_is_in_use(reader: Counting) -> None:
    groups = [[window] for window in cut(range(32), reader.fps, 8)[::2]]  # four that share nothing
    with closing(load_groups(reader, VIEW, groups, FrameCache(1 << 30))) as loaded:
        for number, (group, (clip,)) in enumerate(zip(groups, loaded, strict=True)):
            assert clip.indices == group[0].frames
            ahead = 8 * min(number + 2, len(groups))
            wait_for(lambda ahead=ahead: len(reader.decoded) == ahead)
            time.sleep(0.02)
            assert len(reader.decoded) == ahead  # and no more: two groups are held at most
    assert reader.decoded == list(range(32))


def test_who_stops_early_loads_no_more(reader: Counting) -> None:
    groups = [[window] for window in cut(range(32), reader.fps, 8)[::2]]
    loaded = load_groups(reader, VIEW, groups, FrameCache(1 << 30))
    next(loaded)
    loaded.close()
    assert reader.decoded == list(range(16))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("windows")]


def test_a_group_that_cannot_be_loaded_says_so_when_it_is_asked_for(reader: Counting) -> None:
    beyond = Window((58, 70), (5.8, 7.1), (0.0, 9.0))
    loaded = load_groups(reader, VIEW, [cut([3, 9], 10.0, 4), [beyond]], FrameCache(1 << 30))
    assert next(loaded)[0].indices == (3, 9)
    with pytest.raises(VideoError, match="frame 70 is outside"):
        next(loaded)


def test_groups_are_as_large_as_memory_allows(reader: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = cut(range(1000), 10.0, VIEW.max_frames)
    groups = in_groups(windows, reader, VIEW)
    assert [window for group in groups for window in group] == windows
    assert max(map(len, groups)) == GROUP
    bytes_of_one = load_windows(reader, VIEW, windows[:1], FrameCache(0))[0].frames.nbytes
    monkeypatch.setattr("videomind.vision.windows.GROUP_BYTES", 3 * bytes_of_one)
    assert max(map(len, in_groups(windows, reader, VIEW))) == 3
    assert max(map(len, in_groups(windows, reader, VIEW, shown=2))) == 1
    monkeypatch.setattr("videomind.vision.windows.GROUP_BYTES", 1)
    assert max(map(len, in_groups(windows, reader, VIEW))) == 1
