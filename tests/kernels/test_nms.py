"""Temporal NMS against the rule written out."""

import numpy as np

from videomind.kernels.nms import temporal_nms


def iou(a: np.ndarray, b: np.ndarray) -> float:
    inter = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - inter
    return float(inter / union) if union else 0.0


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
