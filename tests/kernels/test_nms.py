"""Temporal NMS against the rule written out, and against the published selection rank by rank."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videomind.kernels.nms import Rows, temporal_nms


def iou(a: np.ndarray, b: np.ndarray) -> float:
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    return float(inter / union) if union else 0.0


def rank_by_rank(rows: Rows, threshold: float = 0.75) -> Rows:
    """The published selection: every rank takes the best span left, by a swap, and suppresses among those behind it."""
    rows = rows[np.argsort(-rows[:, 2], kind="stable")].astype(np.float32)
    for rank in range(len(rows)):
        best = rank + int(np.argmax(rows[rank:, 2]))
        rows[[rank, best]] = rows[[best, rank]]
        span, rest = rows[rank], rows[rank + 1 :]
        inter = np.clip(np.minimum(span[1], rest[:, 1]) - np.maximum(span[0], rest[:, 0]), 0, None)
        union = (span[1] - span[0]) + (rest[:, 1] - rest[:, 0]) - inter
        rest[np.divide(inter, union, out=np.zeros_like(inter), where=union != 0) >= threshold, 2] = 0.0
    return rows


def same(rows: Rows, threshold: float = 0.75) -> None:
    """Both give the same bits, and leave what they were given as it was."""
    before = rows.copy()
    assert temporal_nms(rows, threshold).tobytes() == rank_by_rank(rows, threshold).tobytes()
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("seed", range(40))
def test_random_spans_are_selected_as_published(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = int(generator.integers(0, 281))
    starts = generator.random(count)
    lengths = generator.random(count) * generator.choice([0.05, 0.5, 2])
    rows = np.stack([starts, starts + lengths, generator.random(count)], 1).astype(np.float32)
    for threshold in (0.3, 0.75, 1.0):
        same(rows, threshold)


@pytest.mark.parametrize("seed", range(40))
def test_ties_in_time_and_score_are_broken_as_published(seed: int) -> None:
    """Few different numbers: equal spans, equal scores, zeros, empty and reversed spans, IoU just at the threshold."""
    generator = np.random.default_rng(seed)
    rows = np.stack([generator.integers(0, 5, 60), generator.integers(0, 5, 60), generator.integers(0, 4, 60)], 1)
    for threshold in (0.25, 0.5, 0.75):
        same((rows / 4).astype(np.float32), threshold)


def test_spans_along_a_line_as_a_decoder_gives_them() -> None:
    """Every point of a pyramid localises nearly the same moment; most are suppressed."""
    generator = np.random.default_rng(0)
    points = np.concatenate([np.arange(0, 150, stride) for stride in (1, 2, 4, 8)]).astype(np.float32)
    spans = np.stack([np.minimum(points, 60), np.maximum(points, 90), np.exp(-(((points - 75) / 9) ** 2))], 1)
    same((spans + generator.normal(0, 0.5, spans.shape).clip(0)).astype(np.float32))


TIMES = st.floats(-2, 2, width=32) | st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
SCORES = st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.5, 1.0])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TIMES, TIMES, SCORES), max_size=12), st.sampled_from([0.3, 0.5, 0.75]))
def test_whatever_is_found_is_selected_as_published(spans: list[tuple[float, float, float]], threshold: float) -> None:
    same(np.array(spans, np.float32).reshape(-1, 3) + np.float32(0), threshold)  # + 0 makes 0 of −0


def test_a_worse_span_that_overlaps_is_kept_with_score_zero() -> None:
    rows = np.array([[0, 10, 0.8], [0, 9, 0.9], [20, 30, 0.5]], dtype=np.float32)
    assert temporal_nms(rows).tolist() == [[0, 9, np.float32(0.9)], [20, 30, 0.5], [0, 10, 0]]


def test_survivors_are_those_of_the_greedy_rule() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        starts = generator.random(40)
        rows = np.stack([starts, starts + generator.random(40) * 0.5, generator.random(40)], 1).astype(np.float32)
        kept: list[np.ndarray] = []
        for row in rows[np.argsort(-rows[:, 2])]:
            if all(iou(row, other) < 0.75 for other in kept):
                kept.append(row)
        result = temporal_nms(rows)
        np.testing.assert_array_equal(result[result[:, 2] > 0], np.array(kept))
        assert sorted(map(tuple, result[:, :2])) == sorted(map(tuple, rows[:, :2]))


def test_empty_spans_do_not_suppress_each_other() -> None:
    rows = np.array([[1, 1, 0.9], [1, 1, 0.8]], dtype=np.float32)
    assert temporal_nms(rows)[:, 2].tolist() == [np.float32(0.9), np.float32(0.8)]
