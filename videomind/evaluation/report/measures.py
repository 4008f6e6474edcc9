"""What the plots of a report show, worked out from the finished samples of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from videomind.evaluation.report.row import Row

VIDEO_LENGTHS = (0.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1800.0, inf)
"""Edges in seconds; a bin holds its upper edge."""
SPAN_LENGTHS = (0.0, 2.0, 5.0, 10.0, 30.0, 60.0, inf)
GOOD_IOU = 0.5
"""A prediction that overlaps a true moment this much counts as right where its confidence is judged."""


@dataclass(frozen=True, slots=True)
class Binned:
    """Mean of what falls into each bin (None where nothing does), and how many do."""

    means: tuple[float | None, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gain:
    """What the verifier changed.

    Attributes:
        before: mean IoU of the grounder's first candidate.
        after: mean IoU of the first one after verification.
        raised: share of samples whose IoU is higher after it.
        lowered: share whose IoU is lower.
        n: samples in which something was verified and the true moment is known.
    """

    before: float
    after: float
    raised: float
    lowered: float
    n: int


def recall_curve(rows: Sequence[Row], thresholds: Sequence[float]) -> list[float] | None:
    """Share of the samples with a known moment whose IoU reaches each threshold; None where there is no such sample."""
    ious = np.array([row.iou for row in rows if row.iou is not None])
    return [float(np.mean(ious >= threshold)) for threshold in thresholds] if len(ious) else None


def iou_histogram(rows: Sequence[Row], bins: int = 10) -> list[float] | None:
    """Share of the samples in each of `bins` equal parts of 0 to 1; the last holds 1 too."""
    ious = [row.iou for row in rows if row.iou is not None]
    if not ious:
        return None
    counts, _ = np.histogram(ious, bins=bins, range=(0.0, 1.0))
    return [float(count) / len(ious) for count in counts]


def by_video_length(rows: Sequence[Row], value: Callable[[Row], float | None]) -> Binned:
    """Mean of a value by the length of the video."""
    return _binned([(row.duration, value(row)) for row in rows], VIDEO_LENGTHS)


def by_span_length(rows: Sequence[Row], value: Callable[[Row], float | None]) -> Binned:
    """Mean of a value by the mean length of the true moments."""
    return _binned([(_mean_length(row), value(row)) for row in rows], SPAN_LENGTHS)


def verifier_gain(rows: Sequence[Row]) -> Gain | None:
    """What verification did to the first candidate; None where nothing was verified."""
    pairs = changes(rows)
    if not pairs:
        return None
    before, after = np.array(pairs).T
    return Gain(
        before=float(before.mean()),
        after=float(after.mean()),
        raised=float(np.mean(after > before)),
        lowered=float(np.mean(after < before)),
        n=len(pairs),
    )


def changes(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """IoU before and after verification, of each sample in which something was verified."""
    return [(row.iou_unverified, row.iou) for row in rows if row.iou_unverified is not None and row.iou is not None]


def reliability(rows: Sequence[Row], bins: int = 10) -> Binned | None:
    """Share of right predictions (IoU of at least 0.5) by confidence, in equal parts of 0 to 1."""
    pairs = _judged(rows)
    if not pairs:
        return None
    edges = [number / bins for number in range(bins + 1)]
    return _binned([(confidence, float(right)) for confidence, right in pairs], edges)


def calibration_error(rows: Sequence[Row], bins: int = 10) -> float | None:
    """Expected calibration error: mean gap of confidence and share of right ones over bins, weighted by their size."""
    pairs = np.array(_judged(rows), dtype=np.float64).reshape(-1, 2)
    if not len(pairs):
        return None
    places = np.clip(np.ceil(pairs[:, 0] * bins).astype(int) - 1, 0, bins - 1)
    gaps = [
        abs(float(np.mean(inside[:, 0] - inside[:, 1]))) * len(inside)
        for inside in (pairs[places == place] for place in range(bins))
        if len(inside)
    ]
    return sum(gaps) / len(pairs)


def accuracy(row: Row) -> float | None:
    """1 where the right option was chosen, 0 where another; None where there is none."""
    return None if row.right is None else float(row.right)


def _judged(rows: Sequence[Row]) -> list[tuple[float, bool]]:
    return [(row.confidence, row.iou >= GOOD_IOU) for row in rows if row.confidence is not None and row.iou is not None]


def _mean_length(row: Row) -> float | None:
    return sum(end - start for start, end in row.truth) / len(row.truth) if row.truth else None


def _binned(pairs: Sequence[tuple[float | None, float | None]], edges: Sequence[float]) -> Binned:
    known = [(key, value) for key, value in pairs if key is not None and value is not None]
    places = np.clip(np.searchsorted(edges, [key for key, _ in known], side="left") - 1, 0, len(edges) - 2)
    values = np.array([value for _, value in known])
    inside = [values[places == place] for place in range(len(edges) - 1)]
    return Binned(tuple(float(one.mean()) if len(one) else None for one in inside), tuple(len(one) for one in inside))
