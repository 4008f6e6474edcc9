"""From the decoder's rows to candidates in seconds."""

import math
from typing import Any

import pytest

from videomind.results import Candidate
from videomind.roles.grounder import clean_query, fallback_candidates, spans_from_decoder

Row = tuple[float, float, float]


def spans(rows: list[Row], duration: float, **how: Any) -> list[tuple[float, float]]:
    """The spans to a tenth of a millisecond."""
    candidates = spans_from_decoder(rows, duration, **how)
    return [(round(c.start, 4), round(c.end, 4)) for c in candidates]


@pytest.mark.parametrize(
    ("query", "clean"),
    [
        ("  a dog\n runs. ", "a dog runs"),
        ("...the end...", "the end"),
        (" . a dog . ", "a dog"),
        ("Mr. Fox jumps", "Mr. Fox jumps"),
        ("...", ""),
    ],
)
def test_queries_lose_outer_dots_and_extra_white_space(query: str, clean: str) -> None:
    assert clean_query(query) == clean


def test_rows_become_seconds_in_their_order() -> None:
    rows = [(0.5, 0.75, 0.4), (0.0, 0.1, 0.9)]
    assert spans(rows, 40.0) == [(20.0, 30.0), (0.0, 4.0)]
    assert [c.confidence for c in spans_from_decoder(rows, 40.0)] == [0.4, 0.9]


def test_spans_are_cut_to_the_video_and_rounded_to_the_unit() -> None:
    assert spans([(-0.2, 1.3, 0.5)], 37.5) == [(0.0, 37.5)]
    assert spans([(1 / 3, 2 / 3, 0.5)], 10.0) == [(3.333, 6.667)]
    assert spans([(1 / 3, 2 / 3, 0.5)], 10.0, unit=0.5) == [(3.5, 6.5)]


def test_times_are_the_float32_numbers_of_published_decoders() -> None:
    (candidate,) = spans_from_decoder([(0.9136, 0.98548, 0.5)], 37.5)
    assert (candidate.start, candidate.end) == (34.26000213623047, 36.95600128173828)


def test_each_reversed_span_is_put_right() -> None:
    rows = [(0.4, 0.1, 0.9), (0.2, 0.3, 0.8), (0.9, 0.6, 0.7)]
    assert spans(rows, 10.0) == [(1.0, 4.0), (2.0, 3.0), (6.0, 9.0)]


def test_compat_mixes_up_several_reversed_spans_as_published() -> None:
    rows = [(0.4, 0.1, 0.9), (0.2, 0.3, 0.8), (0.9, 0.6, 0.7)]
    assert spans(rows, 10.0, compat=True) == [(6.0, 4.0), (2.0, 3.0), (1.0, 9.0)]


def test_compat_puts_a_single_reversed_span_right() -> None:
    rows = [(0.2, 0.3, 0.8), (0.9, 0.6, 0.7)]
    assert spans_from_decoder(rows, 10.0, compat=True) == spans_from_decoder(rows, 10.0)


@pytest.mark.parametrize("row", [(math.nan, 0.5, 0.5), (0.1, math.inf, 0.5), (0.1, 0.2, math.nan)])
def test_a_row_with_a_number_that_is_none_is_left_out(row: tuple[float, float, float]) -> None:
    assert spans_from_decoder([row, (0.1, 0.2, 0.5)], 10.0) == spans_from_decoder([(0.1, 0.2, 0.5)], 10.0)


def test_without_a_moment_a_verifier_gets_overlapping_thirds() -> None:
    windows = [(c.start, c.end, c.confidence) for c in fallback_candidates(60.0, verifier_follows=True)]
    assert windows == [(0, 20, 0), (10, 30, 0), (20, 40, 0), (30, 50, 0), (40, 60, 0)]


def test_without_a_moment_and_a_verifier_everything_is_the_candidate() -> None:
    assert fallback_candidates(60.0, verifier_follows=False) == (Candidate(0.0, 60.0, 0.0),)
