"""Mixtures: weights hold exactly, every record has its turn, and a position depends on seed and index alone."""

from collections import Counter

import pytest

from videomind.errors import InputError
from videomind.training.mixing import Mixture, Pick


def picks(mixture: Mixture, start: int, stop: int) -> list[Pick]:
    return [mixture.at(index) for index in range(start, stop)]


def test_an_epoch_shows_every_record_once() -> None:
    mixture = Mixture([5, 3], [1, 1], seed=4)
    assert len(mixture) == 8
    for epoch in range(3):
        seen = picks(mixture, 8 * epoch, 8 * epoch + 8)
        assert sorted(seen) == [*((0, i) for i in range(5)), *((1, i) for i in range(3))]


def test_epochs_and_seeds_differ_in_order() -> None:
    first = picks(Mixture([50], [1], seed=4), 0, 50)
    assert first != sorted(first)
    assert first != picks(Mixture([50], [1], seed=4), 50, 100)
    assert first != picks(Mixture([50], [1], seed=5), 0, 50)


def test_the_order_of_the_sets_differs_between_epochs() -> None:
    parts = [pick.part for pick in picks(Mixture([30, 30], [1, 1], seed=4), 0, 120)]
    assert parts[:60] != parts[60:]


def test_a_weight_says_how_often_a_set_is_seen() -> None:
    mixture = Mixture([10, 4, 6], [1, 2.5, 0.5], seed=0)
    assert len(mixture) == 10 + 10 + 3
    assert Counter(pick.part for pick in picks(mixture, 0, 23)) == {0: 10, 1: 10, 2: 3}


@pytest.mark.parametrize(("size", "weight"), [(6, 0.5), (4, 2.5), (7, 0.3), (3, 1.0), (5, 0.01)])
def test_no_record_comes_again_before_all_others_were_seen(size: int, weight: float) -> None:
    mixture = Mixture([size], [weight], seed=1)
    counts = dict.fromkeys(range(size), 0)
    for epoch in range(4 * size):
        for pick in picks(mixture, epoch * len(mixture), (epoch + 1) * len(mixture)):
            counts[pick.record] += 1
        assert max(counts.values()) - min(counts.values()) <= 1 + (weight > 1)
    shown = sum(counts.values())
    assert max(counts.values()) - min(counts.values()) <= (1 if shown % size else 0)


def test_a_position_does_not_depend_on_what_was_asked_before() -> None:
    straight = picks(Mixture([9, 20], [2, 0.7], seed=3), 0, 200)
    assert [Mixture([9, 20], [2, 0.7], seed=3).at(index) for index in (150, 3, 77)] == [
        straight[index] for index in (150, 3, 77)
    ]


@pytest.mark.parametrize("weights", [[1], [1, 0], [1, -2], [1, float("nan")], [1, float("inf")]])
def test_weights_are_positive_and_one_per_set(weights: list[float]) -> None:
    with pytest.raises(InputError, match="give"):
        Mixture([2, 2], weights, seed=0)
