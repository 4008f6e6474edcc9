"""Average precision of moments as QVHighlights measures it (Lei et al. 2021, moment_detr's evaluation).

Of each query the first ten listed predictions count, best score first (ties as listed). At each IoU threshold a
prediction takes the true moment that it overlaps most among those not taken yet, or is wrong. Precision is
interpolated at all points.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from videomind.errors import InputError

Floats = npt.NDArray[np.float64]
Prediction = tuple[float, float, float]
"""Start, end, score."""
Span = tuple[float, float]
THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
MOST = 10
"""Predictions of a query that count."""


def average_precision(
    predictions: Sequence[Sequence[Prediction]],
    truths: Sequence[Sequence[Span]],
    thresholds: Sequence[float] = THRESHOLDS,
) -> Floats:
    """Average precision of each query at each threshold [Q, T]; mAP is the mean of it.

    A query without predictions scores 0. (The published script leaves it out, and refuses such submissions elsewhere.)

    Args:
        predictions: (start, end, score) per query, in the order listed.
        truths: true (start, end) per query, at least one each.
        thresholds: IoU from which a prediction is right.

    Raises:
        InputError: another number of predictions than of truths, or a query without a true moment.
    """
    if len(predictions) != len(truths):
        raise InputError(f"predictions for {len(predictions)} queries, but truths for {len(truths)}")
    if lacking := [place for place, spans in enumerate(truths) if not spans]:
        raise InputError(f"query {lacking[0]} has no true moment: average precision is not defined; leave it out")
    rows = [
        [_precision(_hits(ious, threshold), len(spans)) for threshold in thresholds]
        for ious, spans in zip(map(_ious, predictions, truths), truths, strict=True)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(thresholds))


def _ious(predictions: Sequence[Prediction], spans: Sequence[Span]) -> Floats:
    """IoU [P, S] of the predictions that count, best score first, with the true moments; 0 where both are empty."""
    listed = np.array(predictions[:MOST], dtype=np.float64).reshape(-1, 3)
    ranked = listed[np.argsort(-listed[:, 2], kind="stable")]
    start, end = ranked[:, :1], ranked[:, 1:2]
    true = np.array(spans, dtype=np.float64)
    shared = np.clip(np.minimum(end, true[:, 1]) - np.maximum(start, true[:, 0]), 0, None)
    union = (end - start) + (true[:, 1] - true[:, 0]) - shared
    ious: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union != 0)
    return ious


def _hits(ious: Floats, threshold: float) -> npt.NDArray[np.bool_]:
    """Whether each prediction [P] is right: it takes the best free true moment (of equals the last), if near enough."""
    free, hits = np.ones(ious.shape[1], dtype=bool), np.zeros(len(ious), dtype=bool)
    for place, row in enumerate(ious):
        near = np.where(free & (row >= threshold), row, -1.0)
        best = len(near) - 1 - int(near[::-1].argmax())
        if near[best] >= 0:
            free[best], hits[place] = False, True
    return hits


def _precision(hits: npt.NDArray[np.bool_], moments: int) -> float:
    """Area under the curve of precision, made to fall with recall, for hits in order of rank."""
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float(falling[hits].sum() / moments)
