"""DeVE-QA (Qin et al. 2025): grounded answers to questions about dense events.

Every question counts. Of a prediction the first span counts, from 0 on; a reversed one is empty. An answer is the
first character of the reply.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videomind.evaluation.metrics.localization import best_overlaps
from videomind.evaluation.metrics.overlap import iop, iou
from videomind.evaluation.metrics.ragged import ragged
from videomind.evaluation.sample import Prediction, Sample, Span
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured
from videomind.evaluation.scoring.latest import latest


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """Acc@QA, mIoP, IoP@0.5, mIoU, IoU@0.5 and Acc@GQA."""
    found = latest(samples, predictions)
    listed = ragged([_forward(one.spans[0])] if one and one.spans else [] for one in found)
    truths = ragged([_forward(span) for span in sample.spans[:1]] for sample in samples)
    there = listed.counts > 0
    overlap, precision = np.zeros(len(samples)), np.zeros(len(samples))
    overlap[there], precision[there] = (best_overlaps(listed, truths, of) for of in (iou, iop))
    right = np.fromiter((_right(one, sample) for one, sample in zip(found, samples, strict=True)), bool, len(samples))
    counted = np.ones(len(samples), dtype=bool)
    columns = {
        "Acc@QA": Column(right, counted),
        "mIoP": Column(precision, counted),
        "IoP@0.5": Column(precision >= 0.5, counted),
        "mIoU": Column(overlap, counted),
        "IoU@0.5": Column(overlap >= 0.5, counted),
        "Acc@GQA": Column(right & (precision >= 0.5), counted),
    }
    return measured(columns, samples)


def _forward(span: Span) -> Span:
    start = max(0.0, span[0])
    return start, max(start, span[1])


def _right(found: Prediction | None, sample: Sample) -> bool:
    if found is None or found.response is None or sample.answer is None:
        return False
    return found.response.strip()[:1].upper() == sample.answer


DEVE_QA = Variant("official", "DeVE-QA, method/devi/eval.py", measure)
