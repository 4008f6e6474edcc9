"""Clips: what each role sees, decoded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.vision.media import HEIGHT, WIDTH, numbered_frames, numbers_of
from videomind.roles.spec import CELL, PUBLISHED_VIEWS, View
from videomind.vision import clip as clip_module
from videomind.vision.array_backend import ArrayReader
from videomind.vision.cache import FrameCache
from videomind.vision.clip import load_clip, load_clips
from videomind.vision.reader import open_video
from videomind.vision.resize import resize_frames

SMALL = View(fps=1.0, max_frames=8, min_pixels=4 * CELL, max_pixels=12 * CELL)
LARGE = View(fps=2.0, max_frames=20, min_pixels=16 * CELL, max_pixels=32 * CELL)


class CountingReader(ArrayReader):
    """Frames in memory that remember what was asked of them."""

    def __init__(self, count: int) -> None:
        super().__init__(numbered_frames(count), 10.0)
        self.decoded: list[list[int]] = []

    def _decode(self, indices: list[int]) -> np.ndarray:
        self.decoded.append(indices)
        return super()._decode(indices)


def test_clip_of_the_whole_video(video: Path) -> None:
    with open_video(video) as reader:
        clip = load_clip(reader, SMALL)
        assert clip.indices == (0, 13, 26, 39)
        assert clip.span == (0.0, 4.0)
        assert clip.fps == 10.0
        assert clip.frames.shape == (4, 84, 112, 3)
        assert numbers_of(clip.frames) == [0, 13, 26, 39]
        assert np.array_equal(clip.frames, resize_frames(reader.frames_at(clip.indices), 84, 112))


def test_clip_of_a_span(video: Path) -> None:
    with open_video(video) as reader:
        clip = load_clip(reader, LARGE, (1.0, 3.0))
    assert clip.indices == (10, 17, 23, 30)
    assert clip.span == (1.0, 3.0)
    assert numbers_of(clip.frames) == list(clip.indices)


def test_frames_that_several_clips_need_are_decoded_once_and_in_order() -> None:
    reader = CountingReader(100)
    spans = [(3.0, 6.0), (0.0, 2.0), (4.0, 8.0), (3.5, 5.5), (9.0, 10.0)]
    clips = load_clips(reader, [(LARGE, span) for span in spans] + [(SMALL, None)])
    decoded = [index for request in reader.decoded for index in request]
    assert decoded == sorted({index for clip in clips for index in clip.indices})
    for clip in clips:
        assert numbers_of(clip.frames) == list(clip.indices)
    assert [clip.frames.shape[1:3] for clip in clips] == [(112, 140)] * 5 + [(84, 112)]


def test_several_clips_are_the_same_as_one_by_one(video: Path) -> None:
    requests = [(SMALL, None), (LARGE, None), (LARGE, (1.0, 2.5)), (PUBLISHED_VIEWS["verifier"], (0.0, 1.0))]
    with open_video(video) as reader:
        together = load_clips(reader, requests, FrameCache(10**8))
        for clip, (view, span) in zip(together, requests, strict=True):
            alone = load_clip(reader, view, span)
            assert clip.key == alone.key
            assert np.array_equal(clip.frames, alone.frames)


def test_cached_frames_are_not_decoded_again() -> None:
    reader, cache = CountingReader(100), FrameCache(10**8)
    first = load_clip(reader, SMALL, None, cache)
    reader.decoded.clear()
    again = load_clip(reader, SMALL, None, cache)
    assert reader.decoded == []
    assert np.array_equal(first.frames, again.frames)
    wider = load_clip(reader, View(1.0, 10, SMALL.min_pixels, SMALL.max_pixels), None, cache)
    decoded = [index for request in reader.decoded for index in request]
    assert set(decoded) == set(wider.indices) - set(first.indices)
    cache.check_integrity()


def test_another_size_is_another_frame() -> None:
    reader, cache = CountingReader(20), FrameCache(10**8)
    load_clip(reader, SMALL, (0.0, 1.0), cache)
    larger = load_clip(reader, LARGE, (0.0, 1.0), cache)
    assert larger.frames.shape[1:3] == (112, 140)
    assert numbers_of(larger.frames) == list(larger.indices)


def test_few_full_frames_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_module, "CHUNK_BYTES", 3 * HEIGHT * WIDTH * 3)
    reader = CountingReader(100)
    clip = load_clip(reader, LARGE)
    assert [len(request) for request in reader.decoded] == [3] * 6 + [2]
    assert numbers_of(clip.frames) == list(clip.indices)


def test_published_budgets() -> None:
    reader = CountingReader(100)
    shapes = {role: load_clip(reader, view).frames.shape for role, view in PUBLISHED_VIEWS.items()}
    assert shapes["planner"] == shapes["grounder"] == (10, 168, 196, 3)
    assert shapes["verifier"] == (20, 168, 196, 3)
    assert shapes["answerer"] == (20, 280, 392, 3)
