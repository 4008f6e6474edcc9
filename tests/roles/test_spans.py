"""Spans in seconds: cut to the video, widened to a minimum length."""

import pytest

from videomind.roles.spans import clamp_span, temporal_iou, widen_span


def test_a_span_is_cut_to_the_video_and_put_in_order() -> None:
    assert clamp_span(-3.0, 70.0, 60.0) == (0.0, 60.0)
    assert clamp_span(20.0, 10.0, 60.0) == (10.0, 20.0)


@pytest.mark.parametrize(
    ("span", "widened"),
    [
        ((10.0, 50.0), (10.0, 50.0)),
        ((29.0, 31.0), (14.0, 46.0)),
        ((0.0, 2.0), (0.0, 32.0)),
        ((59.0, 60.0), (28.0, 60.0)),
        ((31.0, 29.0), (14.0, 46.0)),
    ],
)
def test_short_spans_are_widened_inside_the_video(span: tuple[float, float], widened: tuple[float, float]) -> None:
    assert widen_span(*span, duration=60.0, minimum=32.0) == widened


def test_a_video_shorter_than_the_minimum_is_taken_whole() -> None:
    assert widen_span(3.0, 4.0, duration=9.0, minimum=32.0) == (0.0, 9.0)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ((0.0, 10.0), (0.0, 10.0), 1.0),
        ((0.0, 10.0), (5.0, 15.0), 1 / 3),
        ((0.0, 10.0), (2.0, 4.0), 0.2),
        ((0.0, 1.0), (2.0, 3.0), 0.0),
        ((2.0, 2.0), (2.0, 2.0), 0.0),
    ],
)
def test_overlap_is_intersection_over_union(
    first: tuple[float, float], second: tuple[float, float], overlap: float
) -> None:
    assert temporal_iou(first, second) == pytest.approx(overlap)
    assert temporal_iou(second, first) == temporal_iou(first, second)
