"""Average precision of moments as QVHighlights measures it (Lei et al. 2021, moment_detr's evaluation).

Predictions count best score first (ties as listed). At each IoU threshold a prediction takes the true moment that it
overlaps most among those not taken yet, or is wrong. Precision is interpolated at all points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from videomind.errors import InputError
from videomind.evaluation.metrics.overlap import intersection
from videomind.evaluation.metrics.ragged import Bools, Ragged

Floats = npt.NDArray[np.float64]
THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
MOST = 10
"""Predictions of a query that the benchmark counts, the first listed: `head(listed, MOST)`."""
_AT_ONCE = 4096
"""Queries that are worked on together."""


def average_precision(
    listed: Ragged, scores: Floats, truths: Ragged, thresholds: Sequence[float] = THRESHOLDS
) -> Floats:
    """Average precision of each query at each threshold [Q, T]; mAP is the mean of it.

    A query without predictions scores 0. Where the IoU is 0/0 (an empty prediction and an empty moment, or a reversed
    prediction as long as the moment) it counts as above all thresholds, as in the published script.

    Args:
        listed: predictions of each query, in the order listed.
        scores: of each prediction [N].
        truths: true moments of each query, at least one each.
        thresholds: IoU from which a prediction is right.

    Raises:
        InputError: another number of queries or scores than there are, or a query without a true moment.
    """
    if len(listed.counts) != len(truths.counts):
        raise InputError(f"predictions for {len(listed.counts)} queries, but truths for {len(truths.counts)}")
    if len(scores) != len(listed.spans):
        raise InputError(f"{len(listed.spans)} predictions, but {len(scores)} scores")
    if not truths.counts.all():
        raise InputError(
            f"query {int(truths.counts.argmin())} has no true moment: average precision is not defined; leave it out"
        )
    order = np.lexsort((-scores, listed.rows))
    ranked, moments = _padded(Ragged(listed.spans[order], listed.counts)), _padded(truths)
    parts = [
        _precision(_hits(_ious(ranked[i : i + _AT_ONCE], moments[i : i + _AT_ONCE]), thresholds))
        for i in range(0, len(moments), _AT_ONCE)
    ]
    summed: Floats = np.concatenate([*parts, np.zeros((0, len(thresholds)))])
    return summed / truths.counts[:, None]


def _padded(rows: Ragged) -> Floats:
    """The spans of each row [R, most in a row, 2], the places that are left NaN."""
    padded = np.full((len(rows.counts), int(rows.counts.max(initial=0)), 2), np.nan)
    padded[rows.rows, rows.places] = rows.spans
    return padded


def _ious(ranked: Floats, moments: Floats) -> Floats:
    """IoU of each prediction with each moment [Q, P, G]; infinity for 0/0, -1 where there is either none."""
    span, true = ranked[:, :, None], moments[:, None]
    shared = intersection(span, true)
    union = (span[..., 1] - span[..., 0]) + (true[..., 1] - true[..., 0]) - shared
    with np.errstate(divide="ignore", invalid="ignore"):
        ious = np.where(union == 0, np.inf, shared / union)
    return np.where(np.isnan(union), -1.0, ious)


def _hits(ious: Floats, thresholds: Sequence[float]) -> Bools:
    """Whether each prediction is right [Q, P, T]: takes the best free moment (of equals the last), if near enough."""
    queries, ranks, moments = ious.shape
    enough = np.asarray(thresholds)[:, None]
    hits = np.zeros((queries, ranks, len(thresholds)), dtype=bool)
    free = np.ones((queries, len(thresholds), moments), dtype=bool)
    for rank in range(ranks):
        near = ious[:, rank, None]
        near = np.where(free & (near >= enough), near, -1.0)
        best = moments - 1 - near[..., ::-1].argmax(axis=-1)[..., None]
        hits[:, rank] = np.take_along_axis(near, best, axis=-1)[..., 0] >= 0
        np.put_along_axis(free, best, ~hits[:, rank, :, None] & np.take_along_axis(free, best, axis=-1), axis=-1)
    return hits


def _precision(hits: Bools) -> Floats:
    """The sum [Q, T] over hits of the precision made to fall with recall, for hits [Q, P, T] in order of rank."""
    ranks = np.arange(1, hits.shape[1] + 1)[:, None]
    precision = hits.cumsum(axis=1) / ranks
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    summed: Floats = (falling * hits).sum(axis=1)
    return summed
