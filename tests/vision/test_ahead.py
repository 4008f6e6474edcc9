"""Frames that are decoded ahead are those that roles will ask for."""

from pathlib import Path

import numpy as np
import pytest

from tests.vision.media import numbers_of
from videomind.errors import VideoError
from videomind.roles.spec import CELL, View
from videomind.vision.ahead import decode_ahead
from videomind.vision.cache import FrameCache, FrameKey
from videomind.vision.clip import decode_frames, frame_keys, load_clip
from videomind.vision.reader import open_video

SMALL = View(fps=1.0, max_frames=8, min_pixels=4 * CELL, max_pixels=4 * CELL)
LARGE = View(fps=2.0, max_frames=6, min_pixels=16 * CELL, max_pixels=16 * CELL)
VIEWS = (SMALL, LARGE)


def cache_of(frames: list[tuple[FrameKey, np.ndarray]]) -> FrameCache:
    cache = FrameCache(1 << 30)
    for key, frame in frames:
        cache.put(key, frame)
    cache.check_integrity()
    return cache


def test_of_a_short_video_all_frames_are_there_in_every_size(video: Path) -> None:
    cache = cache_of(decode_ahead(video, VIEWS))
    assert len(cache) == 40 * 2
    with open_video(video) as reader:
        for view in VIEWS:
            for span in (None, (1.0, 2.0), (0.3, 3.9)):
                expected = load_clip(reader, view, span)
                assert np.array_equal(load_clip(reader, view, span, cache).frames, expected.frames)
    assert len(cache) == 40 * 2  # none was missing


def test_of_a_long_video_those_of_the_views_on_all_of_it(video: Path) -> None:
    everything = sum(frame.nbytes for _, frame in decode_ahead(video, VIEWS))
    assert len(decode_ahead(video, VIEWS, max_bytes=everything)) == 40 * 2
    frames = decode_ahead(video, VIEWS, max_bytes=everything - 1)
    with open_video(video) as reader:
        keys = {key for view in VIEWS for key in frame_keys(reader, view, None)}
    assert {key for key, _ in frames} == keys
    assert len(frames) == len(keys) < 20


def test_views_of_one_size_share_their_frames(video: Path) -> None:
    twice = (SMALL, View(fps=5.0, max_frames=30, min_pixels=4 * CELL, max_pixels=4 * CELL))
    assert len(decode_ahead(video, twice)) == 40


def test_frames_come_in_order_and_only_those_wanted(video: Path) -> None:
    with open_video(video) as reader:
        keys = frame_keys(reader, SMALL, (1.0, 3.0))
        wanted = {keys[0], keys[2]}
        found = list(decode_frames(reader, wanted))
        assert [key for key, _ in found] == [keys[0], keys[2]]
        assert numbers_of(np.stack([frame for _, frame in found])) == [keys[0].frame, keys[2].frame]
        assert list(decode_frames(reader, set())) == []


def test_what_is_no_video_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError):
        decode_ahead(tmp_path / "missing.mp4", VIEWS)
