"""ActivityNet-RTL (LITA, Huang et al. 2024): a mean per video first, then over videos, as fractions.

Every question counts. Of a prediction the first span counts, cut to the video and put in order; a reply without one
stands for the whole video, and what has no prediction overlaps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from videomind.evaluation.metrics.means import means_by
from videomind.evaluation.metrics.overlap import iou
from videomind.evaluation.sample import Prediction, Sample, Span
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured, videos_of
from videomind.evaluation.scoring.latest import latest


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """P@0.5 and mIoU."""
    rows = [sample for sample in samples if sample.spans]
    if not rows:
        return Measured({})
    found = latest(rows, predictions)
    spans = np.array([_first(row, one) for row, one in zip(rows, found, strict=True)], dtype=np.float64)
    truths = np.array([_cut(row.spans[0], row) for row in rows], dtype=np.float64)
    there = np.array([one is not None for one in found])
    overlap = np.where(there, iou(spans, truths), 0.0)
    videos = videos_of(rows)
    _, first = np.unique(videos, return_index=True)
    counted = np.ones(len(first), dtype=bool)
    columns = {
        "P@0.5": Column(means_by(there & (overlap >= 0.5), videos, len(first)), counted, 1.0),
        "mIoU": Column(means_by(overlap, videos, len(first)), counted, 1.0),
    }
    return measured(columns, [rows[i] for i in first])


def _first(row: Sample, found: Prediction | None) -> Span:
    return _cut(found.spans[0] if found and found.spans else (0.0, inf), row)


def _cut(span: Span, row: Sample) -> Span:
    """The span within the video, the smaller number first."""
    start, end = sorted(min(max(time, 0.0), row.duration or inf) for time in span)
    return start, end


LITA_RTL = Variant("official", "LITA, eval_model_rtl.py", measure)
