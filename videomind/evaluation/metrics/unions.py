"""Overlap of several spans at once with several true ones (CG-Bench)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from videomind.evaluation.metrics.overlap import intersection
from videomind.evaluation.metrics.ragged import Floats, Ints, Ragged, pairs, totals


def merged(rows: Ragged) -> Ragged:
    """The spans of each row by start, those that overlap or touch made one."""
    order = np.lexsort((rows.spans[:, 0], rows.rows))
    spans, places = rows.spans[order], rows.places
    ends, fresh = spans[:, 1].copy(), places == 0
    for place in range(1, int(rows.counts.max(initial=0))):
        at = np.flatnonzero(places == place)
        fresh[at] = spans[at, 0] > ends[at - 1]
        ends[at] = np.where(fresh[at], ends[at], np.maximum(ends[at], ends[at - 1]))
    last = np.append(fresh[1:], True) if len(fresh) else fresh
    counts = np.bincount(rows.rows[fresh], minlength=len(rows.counts))
    return Ragged(np.stack([spans[fresh, 0], ends[last]], axis=1), counts)


def union_iou(listed: Ragged, truths: Ragged) -> npt.NDArray[np.float64]:
    """IoU [R] of all that a row lists with all that is true there; 0 where both are empty (CG-Bench).

    Spans of one side that overlap count once.
    """
    listed, truths = merged(listed), merged(truths)
    span, truth, _ = pairs(listed, truths)
    shared = totals(intersection(listed.spans[span], truths.spans[truth]), listed.counts * truths.counts)
    lengths = (totals(rows.spans[:, 1] - rows.spans[:, 0], rows.counts) for rows in (listed, truths))
    union = sum(lengths) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def summed_iou(listed: Ragged, truths: Ragged) -> Floats:
    """As VideoMind measures CG-Bench: lengths and intersections are added up, overlapping spans counting twice.

    So it can exceed 1. In float32, added up by torch; 0 where it is not finite.

    Args:
        listed: one span for each row.
        truths: at least one true span for each row.
    """
    spans, true = listed.spans.astype(np.float32), truths.spans.astype(np.float32)
    span, truth, _ = pairs(listed, truths)
    shared = _float32_totals(intersection(spans[span], true[truth]), truths.counts)
    union = (spans[:, 1] - spans[:, 0]) + _float32_totals(true[:, 1] - true[:, 0], truths.counts) - shared
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = shared / union
    return np.where(np.isfinite(ratio), ratio, np.float32(0))


def _float32_totals(values: Floats, counts: Ints) -> Floats:
    """The sum of each row [R] of float32 values [N] that stand row after row, rounded as torch rounds it.

    Of two values there is only one sum; longer rows are added up by torch itself.
    """
    import torch

    ends = counts.cumsum()
    sums = np.zeros(len(counts), dtype=np.float32)
    for place in (1, 2):
        there = (place <= counts) & (counts <= 2)
        sums[there] += values[ends[there] - place]
    tensor = torch.from_numpy(values)
    for row in np.flatnonzero(counts > 2).tolist():
        sums[row] = tensor[ends[row] - counts[row] : ends[row]].sum()
    return sums
