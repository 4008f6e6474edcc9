"""Which frames a role sees, at what size, and how spans are widened."""

from __future__ import annotations

import random

import numpy as np
import pytest

from videomind.errors import VideoError
from videomind.roles.spec import CELL, PUBLISHED_VIEWS, View
from videomind.vision.sampling import sample_indices, smart_resize

PLANNER, VERIFIER = PUBLISHED_VIEWS["planner"], PUBLISHED_VIEWS["verifier"]


def test_whole_video_is_seen_from_its_first_to_its_last_frame() -> None:
    indices = sample_indices(900, 24.0, PLANNER)
    assert indices.dtype == np.int64
    assert len(indices) == 38  # 37.5 s at 1 fps, rounded to even
    assert (indices[0], indices[-1]) == (0, 899)
    assert len(sample_indices(1713, 10.0, PLANNER)) == 100  # 171.3 s: the budget


@pytest.mark.parametrize(
    ("frames", "fps", "seconds_seen", "expected"),
    [
        (1, 10.0, 1.0, [0]),
        (2, 10.0, 1.0, [0, 1]),
        (3, 10.0, 1.0, [0, 1, 2]),
        (4, 10.0, 1.0, [0, 1, 2, 3]),
        (10, 10.0, 1.0, [0, 3, 6, 9]),
        (50, 10.0, 1.0, [0, 16, 33, 49]),  # 5 s: round(2.5) * 2 = 4
        (70, 10.0, 1.0, [0, 10, 20, 30, 39, 49, 59, 69]),  # 7 s: round(3.5) * 2 = 8
    ],
)
def test_short_videos(frames: int, fps: float, seconds_seen: float, expected: list[int]) -> None:
    view = View(fps=seconds_seen, max_frames=100, min_pixels=CELL, max_pixels=CELL)
    assert sample_indices(frames, fps, view).tolist() == expected


def test_span_is_cut_to_the_video() -> None:
    indices = sample_indices(300, 30.0, VERIFIER, (8.0, 30.0))
    assert (indices[0], indices[-1]) == (240, 299)
    assert len(indices) == 20  # min(300, 22 s · 30) frames at 2 of 30


def test_reversed_span_is_the_same_span() -> None:
    forth = sample_indices(300, 30.0, VERIFIER, (2.0, 5.0))
    back = sample_indices(300, 30.0, VERIFIER, (5.0, 2.0))
    assert forth.tolist() == back.tolist()
    assert forth.tolist() == [60, 78, 96, 114, 132, 150]


def test_span_of_no_length_repeats_its_frame() -> None:
    assert sample_indices(300, 30.0, VERIFIER, (3.0, 3.0)).tolist() == [90, 90, 90, 90]


def test_points_are_rounded_in_float32() -> None:
    """As published; it matters beyond 65,536 frames: float32 has 70470.5 here, exact would be 70470.503."""
    view = View(fps=1.0, max_frames=150, min_pixels=CELL, max_pixels=CELL)
    indices = sample_indices(100_002, 1.0, view)
    assert indices[105] == 70470
    assert np.linspace(0, 100_001, 150).round()[105] == 70471


@pytest.mark.parametrize(
    ("height", "width", "low", "high", "expected"),
    [
        (240, 320, 36, 64, (168, 252)),  # above the maximum: scaled down with floor
        (1080, 1920, 36, 64, (168, 280)),
        (1920, 1080, 36, 64, (280, 168)),
        (100, 100, 36, 64, (168, 168)),  # below the minimum: scaled up with ceil
        (196, 224, 36, 64, (196, 224)),  # as it is
        (200, 200, 36, 64, (196, 196)),  # nearest multiples
        (10, 1000, 1, 64, (28, 1008)),  # never less than one cell
        (10, 2000, 1, 64, (28, 3164)),
        (42, 70, 1, 64, (56, 56)),  # halves go to even: 1.5 → 2, 2.5 → 2
    ],
)
def test_smart_resize(height: int, width: int, low: int, high: int, expected: tuple[int, int]) -> None:
    assert smart_resize(height, width, low * CELL, high * CELL) == expected


def test_smart_resize_keeps_to_its_budget() -> None:
    dice = random.Random(3)
    for _ in range(2000):
        height, width = dice.randrange(28, 2000), dice.randrange(28, 2000)
        if max(height, width) > 8 * min(height, width):
            continue
        high, wide = smart_resize(height, width, 128 * CELL, 256 * CELL)
        assert high % 28 == wide % 28 == 0
        assert 128 * CELL <= high * wide <= 256 * CELL


def test_a_line_is_no_picture() -> None:
    smart_resize(10, 2000, CELL, 64 * CELL)
    with pytest.raises(VideoError, match="2010×10 pixels is too long"):
        smart_resize(10, 2010, CELL, 64 * CELL)
