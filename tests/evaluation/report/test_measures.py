"""What the plots show, against loops written from the definitions."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest

from videomind.evaluation.report.measures import (
    SPAN_LENGTHS,
    VIDEO_LENGTHS,
    accuracy,
    by_span_length,
    by_video_length,
    calibration_error,
    iou_histogram,
    recall_curve,
    reliability,
    verifier_gain,
)
from videomind.evaluation.report.row import Row


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Two hundred, some without true moment, prediction, duration or confidence; many at an edge."""
    draw = Random(5)

    def span() -> tuple[float, float]:
        start = draw.choice([0.0, 1.0, 2.5])
        return start, start + draw.choice([0.5, 1.0, 2.0, 5.0, 60.0])

    return [
        Row(
            id=str(number),
            video="a.mp4",
            question="?",
            truth=tuple(span() for _ in range(draw.choice([0, 1, 1, 2]))),
            best=span() if draw.random() < 0.9 else None,
            unverified=span() if draw.random() < 0.5 else None,
            duration=draw.choice([None, 10.0, 15.0, 30.0, 31.0, 9000.0]),
            confidence=draw.choice([None, 0.0, 0.08, 0.1, 0.15, 0.5, 1.0]),
            answer=draw.choice([None, "A", "B"]),
            option=draw.choice([None, "A", "B"]),
        )
        for number in range(200)
    ]


def test_recall_is_the_share_that_reaches_a_threshold(rows: list[Row]) -> None:
    ious = [row.iou for row in rows if row.iou is not None]
    found = recall_curve(rows, (0.1, 0.5, 1.0))
    assert found == [sum(iou >= threshold for iou in ious) / len(ious) for threshold in (0.1, 0.5, 1.0)]
    assert found[2] > 0


def test_the_histogram_holds_every_sample_once(rows: list[Row]) -> None:
    ious = [row.iou for row in rows if row.iou is not None]
    found = iou_histogram(rows)
    assert found is not None
    assert sum(found) == pytest.approx(1.0)
    assert found[-1] == sum(iou >= 0.9 for iou in ious) / len(ious)
    assert found[0] == sum(iou < 0.1 for iou in ious) / len(ious)


@pytest.mark.parametrize("measure", ["video", "span"])
def test_bins_hold_their_upper_edge(measure: str, rows: list[Row]) -> None:
    edges, group, key = {
        "video": (VIDEO_LENGTHS, by_video_length, lambda row: row.duration),
        "span": (SPAN_LENGTHS, by_span_length, mean_length),
    }[measure]
    found = group(rows, lambda row: row.iou)
    for place, (low, high) in enumerate(pairwise(edges)):
        inside = [row.iou for row in rows if row.iou is not None and (at := key(row)) is not None and low < at <= high]
        assert found.counts[place] == len(inside)
        expected = sum(inside) / len(inside) if inside else None
        assert found.means[place] == (None if expected is None else pytest.approx(expected))
    assert sum(count > 0 for count in found.counts) >= 3


def mean_length(row: Row) -> float | None:
    return sum(end - start for start, end in row.truth) / len(row.truth) if row.truth else None


def test_accuracy_is_of_those_that_could_be_right(rows: list[Row]) -> None:
    asked = [row for row in rows if row.answer is not None and row.duration == 15.0]
    found = by_video_length(rows, accuracy).means[0]
    short = [row for row in rows if row.answer is not None and row.duration in (10.0, 15.0)]
    assert asked
    assert found == pytest.approx(sum(row.option == row.answer for row in short) / len(short))


def test_the_gain_of_the_verifier(rows: list[Row]) -> None:
    pairs = [(row.iou_unverified, row.iou) for row in rows if row.iou_unverified is not None and row.iou is not None]
    gain = verifier_gain(rows)
    assert gain is not None
    assert gain.n == len(pairs)
    assert gain.raised == pytest.approx(sum(after > before for before, after in pairs) / len(pairs))
    assert gain.lowered == pytest.approx(sum(after < before for before, after in pairs) / len(pairs))
    assert gain.after - gain.before == pytest.approx(sum(after - before for before, after in pairs) / len(pairs))
    assert gain.raised != gain.lowered


def test_calibration(rows: list[Row]) -> None:
    pairs = [(r.confidence, r.iou >= 0.5) for r in rows if r.confidence is not None and r.iou is not None]
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in pairs:
        bins.setdefault(max(0, math.ceil(confidence * 10) - 1), []).append((confidence, right))
    binned = reliability(rows)
    assert binned is not None
    for place in range(10):
        inside = bins.get(place, [])
        share = sum(right for _, right in inside) / len(inside) if inside else None
        assert binned.counts[place] == len(inside)
        assert binned.means[place] == (None if share is None else pytest.approx(share))
    error = sum(abs(sum(c - right for c, right in inside)) for inside in bins.values()) / len(pairs)
    assert calibration_error(rows) == pytest.approx(error)


def test_without_anything_to_measure_there_is_nothing() -> None:
    asked = [Row("a", "a.mp4", "?", answer="A", option="B", confidence=0.5)]
    assert recall_curve(asked, (0.5,)) is None
    assert iou_histogram(asked) is None
    assert verifier_gain(asked) is None
    assert reliability(asked) is None
    assert calibration_error(asked) is None
    assert sum(by_video_length(asked, accuracy).counts) == 0


def test_the_calibration_error_is_taken_in_bins_that_hold_their_upper_edge() -> None:
    said = [
        Row("sure", "a.mp4", "?", truth=((0.0, 1.0),), best=(0.0, 1.0), confidence=0.35),
        Row("edge", "a.mp4", "?", truth=((0.0, 1.0),), best=(5.0, 6.0), confidence=0.3),
    ]
    assert calibration_error(said) == pytest.approx((0.65 + 0.3) / 2)
