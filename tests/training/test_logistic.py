"""Logistic regression against closed forms and the conditions of its optimum; thresholds on cases counted by hand."""

import math

import numpy as np
import pytest

from videomind.errors import InputError
from videomind.training.logistic import RIDGE, Floats, Labels, choose_threshold, fit_line, score


def noisy(n: int = 500, seed: int = 0) -> tuple[Floats, Labels]:
    """Labels drawn from log-odds 0.5 + 1.5·x1 − 20·x2, the second feature being small."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 2)) * [2.0, 0.1] + [3.0, 0.2]
    log_odds = 0.5 + features @ [1.5, -20.0]
    return features, rng.random(n) < 1 / (1 + np.exp(-log_odds))


def test_one_binary_feature_gives_the_log_odds_of_the_two_groups() -> None:
    features = np.repeat([[0.0], [1.0]], [10, 20], axis=0)
    labels = np.array([True] * 3 + [False] * 7 + [True] * 15 + [False] * 5)
    line = fit_line(features, labels, ridge=0.0)
    assert line.bias == pytest.approx(math.log(3 / 7), abs=1e-9)
    assert line.weights[0] == pytest.approx(math.log(15 / 5) - math.log(3 / 7), abs=1e-9)


def test_at_the_optimum_the_gradient_of_the_penalised_loss_is_zero() -> None:
    features, labels = noisy()
    line = fit_line(features, labels)
    mistake = line.probabilities(features) - labels
    slope = features.T @ mistake + RIDGE * line.weights
    assert mistake.sum() == pytest.approx(0, abs=1e-8)
    np.testing.assert_allclose(slope, 0, atol=1e-8)


def test_what_the_labels_were_drawn_from_is_found_again() -> None:
    line = fit_line(*noisy(20_000))
    assert [line.bias, *line.weights] == pytest.approx([0.5, 1.5, -20.0], rel=0.15)


def test_what_hardly_differs_counts_for_little() -> None:
    """Scores of an untrained verifier differ by 10⁻⁴: a rule that hangs on that would hang on rounding."""
    features = np.array([[0.0], [1e-4]] * 20)
    line = fit_line(features, np.array([False, True] * 20))
    assert abs(line.weights[0]) < 1
    np.testing.assert_allclose(line.probabilities(features), 0.5, atol=1e-3)


def test_data_that_can_be_told_apart_does_not_run_away() -> None:
    features, labels = np.arange(10.0)[:, None], np.arange(10) >= 5
    line = fit_line(features, labels)
    assert 1 < line.weights[0] < 50
    assert ((line.probabilities(features) > 0.5) == labels).all()


def test_a_feature_that_never_changes_gets_no_weight() -> None:
    features, labels = noisy()
    line = fit_line(np.column_stack([features, np.full(len(labels), 7.3)]), labels)
    assert line.weights[2] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(line.weights[:2], fit_line(features, labels).weights)


def test_labels_of_one_kind_or_odd_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="3 of 3 labels are true"):
        fit_line(np.zeros((3, 1)), np.ones(3, dtype=bool))
    with pytest.raises(InputError, match="0 of 0"):
        fit_line(np.zeros((0, 2)), np.zeros(0, dtype=bool))
    with pytest.raises(InputError, match="finite"):
        fit_line(np.array([[np.nan], [1.0]]), np.array([True, False]))
    with pytest.raises(InputError, match="to choose a threshold"):
        choose_threshold(np.array([0.1, 0.2]), np.array([False, False]), "f1")


def test_the_threshold_lies_in_the_middle_of_the_gap() -> None:
    probabilities, labels = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])
    assert choose_threshold(probabilities, labels, "balanced") == pytest.approx(0.5)
    assert choose_threshold(probabilities, labels, "f1") == pytest.approx(0.5)


def test_of_equally_good_thresholds_the_middle_one_is_taken() -> None:
    # yes from 0.2, from 0.4 or from 0.6 on: a true one more is right, and a false one more is wrong
    probabilities = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    labels = np.array([False, True, False, True, False, True])
    worth = [score(probabilities >= cut, labels, "balanced") for cut in (0.15, 0.35, 0.55)]
    assert worth == pytest.approx([2 / 3] * 3)
    assert choose_threshold(probabilities, labels, "balanced") == pytest.approx(0.35)


def test_rare_moments_are_judged_by_f1_and_presence_by_both_kinds_alike() -> None:
    # 1 of 2 true ones stands out; the other is found only together with 4 of 18 false ones
    probabilities = np.array([0.9, *[0.5] * 5, *[0.1] * 14])
    labels = np.array([True, True, *[False] * 18])
    assert choose_threshold(probabilities, labels, "f1") == pytest.approx(0.7)
    assert choose_threshold(probabilities, labels, "balanced") == pytest.approx(0.3)


def test_scores_of_yes_and_no() -> None:
    said, labels = np.array([True, True, False, False, False]), np.array([True, False, True, False, False])
    assert score(said, labels, "accuracy") == pytest.approx(3 / 5)
    assert score(said, labels, "f1") == pytest.approx(1 / 2)
    assert score(said, labels, "balanced") == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert score(np.zeros(5, dtype=bool), labels, "f1") == 0
