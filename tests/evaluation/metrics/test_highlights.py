"""Average precision of highlights: by hand, and as scikit-learn's curve gives it where that is installed."""

from __future__ import annotations

import numpy as np
import pytest

from videomind.evaluation.metrics.highlights import highlight_hit, highlight_precision


def precision(scores: list[float], right: list[int], clips: int | None = None) -> float:
    flags = np.array([[right]], dtype=bool)
    return float(highlight_precision(np.array([scores]), flags, np.array([clips or len(scores)]))[0, 0])


def test_none_right_is_nothing_and_all_right_is_one() -> None:
    assert precision([0.3, 0.1], [0, 0]) == 0
    assert precision([0.3, 0.1], [1, 1]) == 1


def test_it_is_interpolated() -> None:
    # right, wrong, wrong, right, right: precisions 1, 2/4, 3/5; the second is worth the 3/5 that follows
    assert precision([0.9, 0.8, 0.7, 0.6, 0.5], [1, 0, 0, 1, 1]) == pytest.approx((1 + 3 / 5 + 3 / 5) / 3)


def test_clips_of_one_score_count_once() -> None:
    assert precision([0.5, 0.5, 0.1], [1, 0, 0]) == 0.5
    assert precision([0.5, 0.5, 0.5, 0.1], [1, 1, 0, 1]) == pytest.approx((3 / 4 + 3 / 4) / 2)


def test_places_beyond_the_video_do_not_count() -> None:
    assert precision([0.1, 0.2, 9.0], [1, 0, 0], clips=2) == 0.5


def test_the_best_clip_is_a_hit_if_any_annotator_agrees() -> None:
    right = np.array([[[False, True], [False, False]]] * 3)
    assert highlight_hit(np.array([1, 0, 5]), right, np.array([2, 2, 2])).tolist() == [True, False, False]


def test_it_equals_scikit_learns_curve() -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    dice = np.random.default_rng(0)
    for _ in range(500):
        scores, right = dice.integers(0, 8, 20) / 8, dice.integers(0, 2, 20)
        if 0 < right.sum() < 20:
            curve, recall, _ = metrics.precision_recall_curve(right, scores)
            interpolated = np.maximum.accumulate(curve)
            expected = interpolated[np.where(np.diff(recall.astype(np.float32)))].mean()
            assert precision(scores.tolist(), right.tolist()) == pytest.approx(expected, abs=1e-12)
