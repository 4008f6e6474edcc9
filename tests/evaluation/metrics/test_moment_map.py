"""Average precision as QVHighlights measures it: on cases computed by hand, and against a plain loop."""

import numpy as np
import pytest

from videomind.errors import InputError
from videomind.evaluation.metrics.moment_map import MOST, THRESHOLDS, average_precision
from videomind.evaluation.metrics.ragged import head, ragged

Prediction = tuple[float, float, float]
Span = tuple[float, float]


def precisions(predictions: list[list[Prediction]], truths: list[list[Span]], thresholds=THRESHOLDS):
    """Of some queries [Q, T]."""
    listed = ragged([p[:2] for p in row] for row in predictions)
    scores = np.array([p[2] for row in predictions for p in row], dtype=np.float64)
    return average_precision(listed, scores, ragged(truths), thresholds)


def ap(predictions: list[Prediction], truths: list[Span], threshold: float = 0.5) -> float:
    """Of one query at one threshold."""
    return float(precisions([predictions], [truths], [threshold])[0, 0])


def test_all_found_and_nothing_else_is_one() -> None:
    exact: list[Prediction] = [(0, 10, 0.9), (20, 30, 0.8)]
    assert (precisions([exact], [[(20, 30), (0, 10)]]) == 1.0).all()


def test_a_miss_before_the_hit_halves_the_precision() -> None:
    assert ap([(50, 60, 0.9), (0, 10, 0.8)], [(0, 10)]) == 0.5


def test_a_miss_after_the_hit_costs_nothing() -> None:
    assert ap([(0, 10, 0.9), (50, 60, 0.8)], [(0, 10)]) == 1.0


def test_a_moment_not_found_costs_its_share() -> None:
    assert ap([(0, 10, 0.9)], [(0, 10), (20, 30)]) == 0.5


def test_precision_is_interpolated_at_all_points() -> None:
    # hit, miss, miss, hit, hit of 3: precisions 1, 1/2, 1/3, 2/4, 3/5; the second hit is worth the 3/5 that follows
    predictions: list[Prediction] = [(0, 10, 0.9), (90, 91, 0.8), (92, 93, 0.7), (20, 30, 0.6), (40, 50, 0.5)]
    assert ap(predictions, [(0, 10), (20, 30), (40, 50)]) == pytest.approx((1 + 3 / 5 + 3 / 5) / 3)


def test_the_score_decides_the_rank_not_the_place_in_the_list() -> None:
    assert ap([(50, 60, 0.8), (0, 10, 0.9)], [(0, 10)]) == 1.0


def test_equal_scores_keep_their_order() -> None:
    assert ap([(50, 60, 0.9), (0, 10, 0.9)], [(0, 10)]) == 0.5


def test_the_benchmark_counts_the_first_ten_listed_whatever_their_score() -> None:
    rows = ragged([[(50.0 + i, 50.5 + i) for i in range(10)] + [(0, 10)], [(0, 10)]])
    assert head(rows, MOST).counts.tolist() == [10, 1]
    assert (0, 10) not in map(tuple, head(rows, MOST).spans[:10].tolist())


def test_a_moment_is_taken_once() -> None:
    # both hit the same moment: the second is a miss; with another moment in reach it takes that
    assert ap([(0, 10, 0.9), (0, 10, 0.8), (20, 30, 0.7)], [(0, 10), (20, 30)]) == pytest.approx((1 + 2 / 3) / 2)
    assert ap([(0, 10, 0.9), (1, 11, 0.8)], [(0, 10), (3, 13)]) == 1.0


def test_a_prediction_takes_the_moment_that_it_overlaps_most() -> None:
    # the first overlaps (0, 10) by 0.6 and (2, 10) by 0.75; were it to take the other, the second would be a miss
    assert ap([(4, 10, 0.9), (0, 10, 0.8)], [(0, 10), (2, 10)], 0.6) == 1.0


def test_an_overlap_of_just_the_threshold_is_enough() -> None:
    half: list[Prediction] = [(0, 5, 0.9)]
    assert (ap(half, [(0, 10)], 0.5), ap(half, [(0, 10)], 0.55)) == (1.0, 0.0)
    assert precisions([[(0, 7, 0.9)]], [[(0, 10)]]).tolist() == [[1.0] * 5 + [0.0] * 5]
    assert len(THRESHOLDS) == 10


def test_queries_stand_in_rows_and_one_without_predictions_scores_nothing() -> None:
    found = precisions([[(0, 10, 0.9)], []], [[(0, 10)], [(0, 10)]], [0.5, 0.95])
    np.testing.assert_array_equal(found, [[1.0, 1.0], [0.0, 0.0]])


def test_what_has_no_true_moment_has_no_average_precision() -> None:
    with pytest.raises(InputError, match="query 1 has no true moment"):
        precisions([[], []], [[(0, 1)], []])
    with pytest.raises(InputError, match="predictions for 1 queries, but truths for 2"):
        precisions([[]], [[(0, 1)], [(0, 1)]])
    with pytest.raises(InputError, match="1 predictions, but 0 scores"):
        average_precision(ragged([[(0, 1)]]), np.zeros(0), ragged([[(0, 1)]]))


def test_of_moments_overlapped_alike_the_last_is_taken() -> None:
    predictions: list[Prediction] = [(0, 10, 0.9), (0, 5, 0.8)]
    assert ap(predictions, [(0, 5), (5, 10)]) == 1.0
    assert ap(predictions, [(5, 10), (0, 5)]) == 0.5


def test_where_lengths_cancel_it_is_a_hit_as_in_the_published_script() -> None:
    assert ap([(5, 5, 0.9)], [(7, 7)], 0.95) == 1.0
    assert ap([(10, 5, 0.9)], [(0, 5)], 0.95) == 1.0
    assert ap([(10, 5, 0.9)], [(0, 6)]) == 0.0
    assert ap([(5, 5, 0.9)], [(0, 10)]) == 0.0


def plain(predictions: list[Prediction], truths: list[Span], threshold: float) -> float:
    """The same, one step after the other."""
    ranked = sorted(predictions, key=lambda p: -p[2])
    taken: set[int] = set()
    hits = []
    for start, end, _ in ranked:
        ious = []
        for i, (begin, stop) in enumerate(truths):
            shared = max(0.0, min(end, stop) - max(start, begin))
            union = (end - start) + (stop - begin) - shared
            ious.append((float("inf") if union == 0 else shared / union, i))
        reach = [i for iou, i in sorted(ious, reverse=True) if iou >= threshold and i not in taken]
        taken |= set(reach[:1])
        hits.append(bool(reach))
    points = [(sum(hits[: n + 1]) / len(truths), sum(hits[: n + 1]) / (n + 1)) for n in range(len(hits))]
    area, reached = 0.0, 0.0
    for recall, _ in points:
        area += (recall - reached) * max(p for r, p in points if r >= recall)
        reached = recall
    return area


def test_it_equals_the_plain_loop() -> None:
    dice = np.random.default_rng(0)
    predictions, truths = [], []
    for _ in range(300):
        spans = dice.integers(0, 12, (dice.integers(0, 13), 2)).astype(float)
        scores = dice.integers(0, 4, len(spans)) / 4
        predictions.append([(s, e, c) for (s, e), c in zip(spans.tolist(), scores.tolist(), strict=True)])
        moments = np.sort(dice.integers(0, 12, (dice.integers(1, 5), 2)), axis=1).astype(float)
        truths.append([(s, e) for s, e in moments.tolist()])
    found = precisions(predictions, truths)
    expected = [[plain(p, t, x) for x in THRESHOLDS] for p, t in zip(predictions, truths, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert 0.05 < found.mean() < 0.95
