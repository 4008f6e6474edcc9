"""Average precision as QVHighlights measures it, on cases computed by hand."""

import numpy as np
import pytest

from videomind.errors import InputError
from videomind.evaluation.metrics.moment_map import THRESHOLDS, Prediction, Span, average_precision


def ap(predictions: list[Prediction], truths: list[Span], threshold: float = 0.5) -> float:
    """Of one query at one threshold."""
    return float(average_precision([predictions], [truths], [threshold])[0, 0])


def test_all_found_and_nothing_else_is_one() -> None:
    exact: list[Prediction] = [(0, 10, 0.9), (20, 30, 0.8)]
    assert (average_precision([exact], [[(20, 30), (0, 10)]]) == 1.0).all()


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


def test_only_the_first_ten_listed_count_whatever_their_score() -> None:
    misses: list[Prediction] = [(50 + i, 50.5 + i, 0.1) for i in range(10)]
    assert ap([*misses, (0, 10, 0.9)], [(0, 10)]) == 0.0
    assert ap([*misses[:9], (0, 10, 0.9)], [(0, 10)]) == 1.0


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
    assert average_precision([[(0, 7, 0.9)]], [[(0, 10)]]).tolist() == [[1.0] * 5 + [0.0] * 5]
    assert len(THRESHOLDS) == 10


def test_queries_stand_in_rows_and_one_without_predictions_scores_nothing() -> None:
    found = average_precision([[(0, 10, 0.9)], []], [[(0, 10)], [(0, 10)]], [0.5, 0.95])
    np.testing.assert_array_equal(found, [[1.0, 1.0], [0.0, 0.0]])


def test_what_has_no_true_moment_has_no_average_precision() -> None:
    with pytest.raises(InputError, match="query 1 has no true moment"):
        average_precision([[], []], [[(0, 1)], []])
    with pytest.raises(InputError, match="predictions for 1 queries, but truths for 2"):
        average_precision([[]], [[(0, 1)], [(0, 1)]])


def test_of_moments_overlapped_alike_the_last_is_taken() -> None:
    predictions: list[Prediction] = [(0, 10, 0.9), (0, 5, 0.8)]
    assert ap(predictions, [(0, 5), (5, 10)]) == 1.0
    assert ap(predictions, [(5, 10), (0, 5)]) == 0.5
