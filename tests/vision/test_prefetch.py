"""What is decoded ahead is at hand when it is asked for, within bounds, and its errors come when it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.vision.media import numbered_frames, numbers_of, write_video
from videomind.errors import VideoError
from videomind.roles.spec import CELL, View
from videomind.vision.array_backend import ArrayReader
from videomind.vision.cache import FrameCache
from videomind.vision.clip import load_clip
from videomind.vision.open_videos import OpenVideos
from videomind.vision.prefetch import Prefetcher
from videomind.vision.reader import open_video

SMALL = View(fps=1.0, max_frames=8, min_pixels=4 * CELL, max_pixels=12 * CELL)
LARGE = View(fps=2.0, max_frames=20, min_pixels=16 * CELL, max_pixels=32 * CELL)
BYTES = 20 * 32 * CELL * 3
"""What LARGE takes at most."""


class SlowReader(ArrayReader):
    """Frames in memory that come when they are let through, and remember what was asked of them."""

    def __init__(self, count: int = 40) -> None:
        super().__init__(numbered_frames(count), 10.0)
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.decoded: list[int] = []

    def _decode(self, indices: list[int]) -> np.ndarray:
        self.begun.set()
        assert self.go_on.wait(10)
        self.decoded += indices
        return super()._decode(indices)


@pytest.fixture
def cache() -> FrameCache:
    return FrameCache(10**8)


@pytest.fixture
def prefetcher(cache: FrameCache) -> Iterator[Prefetcher]:
    with Prefetcher(cache) as made:
        yield made


@pytest.fixture
def threads() -> Callable[[], list[str]]:
    """Names of the threads that decode ahead, but for those that were there before."""
    before = set(threading.enumerate())

    def begun() -> list[str]:
        new = (thread for thread in threading.enumerate() if thread not in before)
        return [thread.name for thread in new if thread.name.startswith("prefetch")]

    return begun


def test_frames_are_at_hand(video: Path, cache: FrameCache, prefetcher: Prefetcher) -> None:
    prefetcher.want(partial(open_video, video), [(SMALL, None), (LARGE, (1.0, 2.0))]).settle()
    held = len(cache)
    with open_video(video) as reader:
        for view, span in ((SMALL, None), (LARGE, (1.0, 2.0))):
            alone = load_clip(reader, view, span)
            assert np.array_equal(load_clip(reader, view, span, cache).frames, alone.frames)
    assert len(cache) == held  # none was missing


def test_the_work_goes_on_beside_and_each_frame_is_decoded_once(cache: FrameCache, prefetcher: Prefetcher) -> None:
    reader = SlowReader()
    ahead = prefetcher.want(partial(nullcontext, reader), [(LARGE, None)])
    assert reader.begun.wait(10)
    reader.go_on.set()  # only now, so whoever asked was not held up
    ahead.settle()
    clip = load_clip(reader, LARGE, None, cache)
    assert numbers_of(clip.frames) == list(clip.indices) == reader.decoded


def test_work_that_has_not_begun_is_dropped_by_who_needs_it(cache: FrameCache, prefetcher: Prefetcher) -> None:
    first, second = SlowReader(), SlowReader()
    prefetcher.want(partial(nullcontext, first), [(LARGE, None)])
    assert first.begun.wait(10)
    prefetcher.want(partial(nullcontext, second), [(LARGE, None)]).settle()
    assert not second.begun.is_set()
    first.go_on.set()


def test_errors_come_when_the_frames_are_asked_for(tmp_path: Path, cache: FrameCache, prefetcher: Prefetcher) -> None:
    missing = tmp_path / "missing.mp4"
    prefetcher.want(partial(open_video, missing), [(SMALL, None)]).settle()
    assert len(cache) == 0
    with pytest.raises(VideoError, match="no such file"):
        open_video(missing)


def test_cancelled_work_ends_soon(cache: FrameCache, prefetcher: Prefetcher) -> None:
    reader = SlowReader()
    ahead = prefetcher.want(partial(nullcontext, reader), [(LARGE, None)])
    assert reader.begun.wait(10)
    ahead.cancel()
    reader.go_on.set()
    ahead.settle()
    assert len(cache) == 0


def test_no_more_is_decoded_ahead_than_the_bound(cache: FrameCache) -> None:
    readers = [SlowReader(20 + number) for number in range(3)]
    for reader in readers:
        reader.go_on.set()
    with Prefetcher(cache, max_bytes=2 * BYTES) as prefetcher:
        ahead = [prefetcher.want(partial(nullcontext, reader), [(LARGE, None)]) for reader in readers]
        assert all(reader.begun.wait(10) for reader in readers[:2])
        for one in ahead:
            one.settle()
        assert not readers[2].begun.is_set()
        prefetcher.want(partial(nullcontext, readers[2]), [(LARGE, None)])
        assert readers[2].begun.wait(10)


def test_no_more_than_half_a_cache_is_decoded_ahead() -> None:
    cache, reader = FrameCache(2 * BYTES - 1), SlowReader()
    with Prefetcher(cache) as prefetcher:
        prefetcher.want(partial(nullcontext, reader), [(LARGE, None)]).settle()
    assert not reader.begun.is_set()


def test_closing_ends_the_threads_and_the_work(cache: FrameCache, threads: Callable[[], list[str]]) -> None:
    prefetcher, reader, other = Prefetcher(cache), SlowReader(), SlowReader()
    for one in (reader, other):
        prefetcher.want(partial(nullcontext, one), [(LARGE, None)])
    assert reader.begun.wait(10)
    assert threads()
    threading.Timer(0.05, reader.go_on.set).start()
    prefetcher.close()
    assert not threads()
    assert not other.begun.is_set()
    prefetcher.want(partial(nullcontext, other), [(LARGE, None)]).settle()
    prefetcher.close()
    assert not other.begun.is_set()


def test_no_thread_before_something_is_wanted(cache: FrameCache, threads: Callable[[], list[str]]) -> None:
    with Prefetcher(cache):
        assert not threads()


def test_readers_are_shared_with_those_who_ask(tmp_path: Path, cache: FrameCache) -> None:
    paths = [write_video(tmp_path / f"{number}.mp4", 30 + number) for number in range(4)]
    videos = OpenVideos(8)
    expected = {}
    for path in paths:
        with open_video(path) as reader:
            expected[path] = load_clip(reader, LARGE).frames

    def ask(path: Path) -> None:
        ahead = prefetcher.want(partial(videos.reader, path, open_video), [(LARGE, None)])
        with videos.reader(path, open_video) as reader:
            ahead.settle()
            assert np.array_equal(load_clip(reader, LARGE, None, cache).frames, expected[path])

    with Prefetcher(cache, threads=2) as prefetcher, ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, paths * 5))
    videos.clear()
    cache.check_integrity()
