"""Bootstrap intervals over videos."""

from __future__ import annotations

import numpy as np
import pytest

from videomind.evaluation.metrics.bootstrap import bootstrap_means


def test_it_is_the_interval_of_a_mean_over_independent_videos() -> None:
    values = np.random.default_rng(0).random((2000, 1))
    ((low, high),) = bootstrap_means(values, np.ones((2000, 1), dtype=bool), np.arange(2000)).tolist()
    error = 1.96 * values.std() / np.sqrt(2000)
    assert (low, high) == pytest.approx((values.mean() - error, values.mean() + error), abs=error / 5)


def test_questions_about_one_video_do_not_make_it_more_certain() -> None:
    once = np.random.default_rng(1).random(50)
    often = np.repeat(once, 40)[:, None]
    alone = bootstrap_means(once[:, None], np.ones((50, 1), dtype=bool), np.arange(50))
    grouped = bootstrap_means(often, np.ones((2000, 1), dtype=bool), np.repeat(np.arange(50), 40))
    ungrouped = bootstrap_means(often, np.ones((2000, 1), dtype=bool), np.arange(2000))
    assert grouped == pytest.approx(alone)
    assert np.diff(ungrouped)[0, 0] < np.diff(grouped)[0, 0] / 4


def test_each_mean_is_over_the_rows_that_count_for_it() -> None:
    values = np.array([[1.0, 5.0], [1.0, 7.0], [0.0, 9.0]])
    counted = np.array([[True, True], [True, False], [False, False]])
    found = bootstrap_means(values, counted, np.array([0, 1, 2]))
    assert found.tolist() == [[1, 1], [5, 5]]


def test_it_is_the_same_every_time_and_nothing_gives_nothing() -> None:
    values, counted, videos = np.eye(6), np.ones((6, 6), dtype=bool), np.arange(6) % 3
    assert (bootstrap_means(values, counted, videos) == bootstrap_means(values, counted, videos)).all()
    none = bootstrap_means(values, np.zeros((6, 6), dtype=bool), videos)
    assert np.isnan(none).all()
    assert bootstrap_means(np.zeros((0, 2)), np.zeros((0, 2), dtype=bool), np.zeros(0, dtype=int)).shape == (2, 2)
