"""From records to means with 95 % intervals (bootstrap over videos; differences are paired)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Record = dict[str, Any]
RESAMPLES = 2000


class Number(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f}–{self.high:.3f})"

    @property
    def points(self) -> str:
        """As percentage points, signed: for differences."""
        return f"{100 * self.mean:+.1f} ({100 * self.low:+.1f} to {100 * self.high:+.1f})"


def mean_of(values: Sequence[float]) -> Number:
    """The mean of values, at least one, each from one video."""
    array = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(0).integers(len(array), size=(RESAMPLES, len(array)))
    low, high = np.percentile(array[draws].mean(axis=1), (2.5, 97.5))
    return Number(float(array.mean()), float(low), float(high))


def mean_in(records: Sequence[Record], key: str, at_least: float | None = None) -> Number:
    """The mean of a field, or the share of records in which it is at least a threshold."""
    return mean_of([float(r[key]) if at_least is None else float(r[key] >= at_least) for r in records])


def share_right(records: Sequence[Record], way: str) -> Number:
    """The share of multiple-choice questions answered right in one way ("chain", "whole", "blind")."""
    return mean_of([float(r[way] == r["right"]) for r in records])


def gain(records: Sequence[Record], way: str, over: str) -> Number:
    """How much more is answered right in one way than in another, paired."""
    return mean_of([float(r[way] == r["right"]) - float(r[over] == r["right"]) for r in records])


def difference(records: Sequence[Record], key: str, over: str) -> Number:
    """The mean difference of two fields, paired."""
    return mean_of([float(r[key]) - float(r[over]) for r in records])
