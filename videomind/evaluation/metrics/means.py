"""Means over samples, plain and by label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from videomind.evaluation.metrics.ragged import Bools, Floats, Ints


def mean(values: Floats | Bools) -> float:
    """The sum, added up from 0 in order as a loop would, over the number; values [R] must not be empty."""
    return (0.0 + float(np.add.accumulate(values, dtype=np.float64)[-1])) / len(values)


def means_by(values: Floats | Bools, labels: Ints, count: int) -> npt.NDArray[np.float64]:
    """The mean of the values [R] of each label [count]; NaN for a label that none has.

    Args:
        values: numbers.
        labels: of each value [R], 0 to count - 1.
        count: how many labels there are.
    """
    sums = np.bincount(labels, weights=values, minlength=count)
    with np.errstate(invalid="ignore"):
        return sums / np.bincount(labels, minlength=count)
