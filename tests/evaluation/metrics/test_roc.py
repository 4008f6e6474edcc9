"""Area under the ROC curve."""

import numpy as np
import pytest

from videomind.errors import InputError
from videomind.evaluation.metrics.roc import roc_auc


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [
        ([2.0, 3.0], [0.0, 1.0], 1.0),
        ([0.0, 1.0], [2.0, 3.0], 0.0),
        ([1.0, 1.0], [1.0], 0.5),
        ([3.0, 1.0], [2.0], 0.5),
        ([2.0, 1.0], [1.0, 0.0], 3.5 / 4),
    ],
)
def test_it_is_the_share_of_pairs_in_the_right_order(positive: list[float], negative: list[float], area: float) -> None:
    assert roc_auc(positive, negative) == area


def test_it_equals_counting_all_pairs() -> None:
    rng = np.random.default_rng(0)
    positive, negative = rng.integers(0, 9, 60) + 0.0, rng.integers(-3, 6, 40) + 0.0
    pairs = np.sign(positive[:, None] - negative) / 2 + 0.5
    assert roc_auc(positive, negative) == pytest.approx(pairs.mean())


@pytest.mark.parametrize(("positive", "negative"), [([], [1.0]), ([1.0], []), ([float("nan")], [1.0])])
def test_both_kinds_and_numbers_are_needed(positive: list[float], negative: list[float]) -> None:
    with pytest.raises(InputError):
        roc_auc(positive, negative)
