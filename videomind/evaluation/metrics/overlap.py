"""How much a predicted span and a true one overlap.

All functions take spans [..., 2] (start, end) that broadcast, and give numbers in their dtype. Every definition
follows one published evaluation to the order of its operations, since an overlap of just a threshold is common.
"""

from __future__ import annotations

import numpy as np

from videomind.evaluation.metrics.ragged import Floats


def iou(spans: Floats, truths: Floats) -> Floats:
    """Intersection over union, the union being the sum of both lengths less the intersection.

    Where it is not finite (both empty) it is 0; that of a reversed span is 0 (VideoMind; nncore's `temporal_iou`).
    """
    shared = intersection(spans, truths)
    return _ratio(shared, _length(spans) + _length(truths) - shared)


def iop(spans: Floats, truths: Floats) -> Floats:
    """Intersection over the length of the prediction; 0 where that is empty or reversed (VideoMind)."""
    return _ratio(intersection(spans, truths), _length(spans))


def hull_iou(spans: Floats, truths: Floats) -> Floats:
    """Intersection over the hull of both; 0 where that is empty (2D-TAN, Ego4D, moment_detr, NExT-GQA).

    Where spans overlap this is their IoU, but rounded differently.
    """
    hull = np.maximum(spans[..., 1], truths[..., 1]) - np.minimum(spans[..., 0], truths[..., 0])
    return _ratio(intersection(spans, truths), hull)


def point_iop(spans: Floats, truths: Floats) -> Floats:
    """As `iop`, but an empty prediction inside the true span, its ends included, has 1 (NExT-GQA)."""
    inside = (truths[..., 0] <= spans[..., 0]) & (spans[..., 0] <= truths[..., 1])
    return np.where((_length(spans) == 0) & inside, 1, iop(spans, truths))


def segment_iou(segments: Floats, truths: Floats) -> Floats:
    """Intersection over hull of runs of segments (first, last), the last included (DiDeMo)."""
    end = np.array([0, 1])
    return hull_iou(segments + end, truths + end)


def intersection(spans: Floats, truths: Floats) -> Floats:
    """Length of what both share."""
    shared: Floats = np.minimum(spans[..., 1], truths[..., 1]) - np.maximum(spans[..., 0], truths[..., 0])
    return np.maximum(shared, 0)


def _length(spans: Floats) -> Floats:
    return spans[..., 1] - spans[..., 0]


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = part / whole
    return np.where(np.isfinite(ratio), ratio, 0).astype(part.dtype)
