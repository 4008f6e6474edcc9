"""Rows of spans, each of its own length, as flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ragged:
    """R rows of spans.

    Attributes:
        spans: start and end [N, 2] of all spans, row after row.
        counts: how many spans each row has [R].
    """

    spans: npt.NDArray[np.float64]
    counts: Ints

    @property
    def starts(self) -> Ints:
        """Where each row begins [R]."""
        return np.concatenate([[0], self.counts.cumsum()[:-1]]) if len(self.counts) else self.counts

    @property
    def rows(self) -> Ints:
        """The row of each span [N]."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @property
    def places(self) -> Ints:
        """The place of each span in its row [N], from 0."""
        return np.arange(len(self.spans)) - np.repeat(self.starts, self.counts)


def ragged(rows: Iterable[Sequence[Span]]) -> Ragged:
    """The rows as arrays."""
    rows = list(rows)
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    numbers = chain.from_iterable(chain.from_iterable(rows))
    return Ragged(np.fromiter(numbers, np.float64, 2 * int(counts.sum())).reshape(-1, 2), counts)


def head(rows: Ragged, most: int) -> Ragged:
    """The first spans of each row."""
    return Ragged(rows.spans[rows.places < most], np.minimum(rows.counts, most))


def kept(rows: Ragged, which: Bools) -> Ragged:
    """The rows with only those of their spans that are chosen [N]."""
    return Ragged(rows.spans[which], np.bincount(rows.rows[which], minlength=len(rows.counts)))


def pairs(left: Ragged, right: Ragged) -> tuple[Ints, Ints, Ints]:
    """Every span of a row of `left` beside every span of the same row of `right`.

    Returns:
        Their indices [M] into left.spans and right.spans (right runs faster), and how many pairs each span of `left`
        is in [N of left].
    """
    each = right.counts[left.rows]
    first = np.repeat(np.arange(len(left.spans)), each)
    begin = np.repeat(right.starts[left.rows], each)
    within = np.arange(len(first)) - np.repeat(each.cumsum() - each, each)
    return first, begin + within, each


def largest(values: Floats, counts: Ints) -> Floats:
    """The largest value of each row [R] of values [N] that stand row after row; 0 for a row without any."""
    result = np.zeros(len(counts), dtype=values.dtype)
    there = counts > 0
    if there.any():
        result[there] = np.maximum.reduceat(values, (counts.cumsum() - counts)[there])
    return result


def totals(values: Floats, counts: Ints) -> npt.NDArray[np.float64]:
    """The sum of each row [R] of values [N] that stand row after row, added up in order in float64."""
    rows = np.repeat(np.arange(len(counts)), counts)
    return np.bincount(rows, weights=values, minlength=len(counts)).astype(np.float64)
