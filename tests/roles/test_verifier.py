"""What the verifier sees of a candidate, and how its scores rank."""

import math

import pytest

from videomind.roles.verifier import crop_for, rank, score, segment_positions


def test_the_crop_shows_half_the_candidate_on_either_side() -> None:
    crop = crop_for(10.0, 20.0, duration=60.0)
    assert (crop.span, crop.start, crop.end) == ((5.0, 25.0), 0.25, 0.75)


def test_at_the_start_of_the_video_the_crop_has_one_side_only() -> None:
    crop = crop_for(0.0, 10.0, duration=60.0)
    assert crop.span == (0.0, 15.0)
    assert crop.start == 0.0
    assert crop.end == pytest.approx(2 / 3)


def test_a_short_candidate_is_widened_first() -> None:
    crop = crop_for(30.0, 30.5, duration=60.0)
    assert crop.span == (28.25, 32.25)
    assert (crop.start, crop.end) == (0.25, 0.75)


def test_a_video_shorter_than_the_minimum_is_shown_whole() -> None:
    crop = crop_for(0.2, 0.4, duration=1.0)
    assert (crop.span, crop.start, crop.end) == ((0.0, 1.0), 0.0, 1.0)


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.0), (60.0, 60.0), (59.9, 60.0), (40.0, 20.0), (0.0, 60.0)])
def test_any_candidate_lies_in_its_crop(start: float, end: float) -> None:
    crop = crop_for(start, end, duration=60.0)
    assert 0 <= crop.span[0] < crop.span[1] <= 60
    assert 0 <= crop.start < crop.end <= 1


@pytest.mark.parametrize("duration", [0.0, -1.0, math.nan])
def test_a_video_without_duration_is_an_error(duration: float) -> None:
    with pytest.raises(ValueError, match="no moments"):
        crop_for(0.0, 0.0, duration)


@pytest.mark.parametrize(
    ("start", "end", "num_pairs", "positions"),
    [
        (0.25, 0.75, 8, (2, 6)),
        (0.0, 1.0, 8, (0, 8)),
        (0.25, 0.75, 2, (0, 2)),
        (0.5, 0.5, 5, (2, 2)),
        (-1, 2, 4, (0, 4)),
    ],
)
def test_segment_tokens_go_before_the_nearest_frame_pair(
    start: float, end: float, num_pairs: int, positions: tuple[int, int]
) -> None:
    assert segment_positions(start, end, num_pairs) == positions


def test_the_score_is_the_sigmoid_of_the_difference() -> None:
    assert score(0.5, 0.5) == 0.5
    assert score(1.0, 0.0) == pytest.approx(0.7310586)
    assert score(0.0, 1.0) == pytest.approx(0.2689414)


def test_ranking_is_best_first_and_stable() -> None:
    assert rank([0.7193021, 0.7188126, 0.718843, 0.719062, 0.718843]) == [0, 3, 2, 4, 1]
    assert rank([]) == []
