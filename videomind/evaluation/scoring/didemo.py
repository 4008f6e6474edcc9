"""DiDeMo (Hendricks et al. 2017): moments are runs of 5-second segments, judged against four annotators.

Every query counts. Spans become the nearest runs of segments, the last segment included. The rank of a run is its
place among the different runs listed; one that is not listed ranks behind all. Mean IoU and mean rank are of the
three annotators who agree best. All numbers are fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, inf
from typing import Any

import numpy as np

from videomind.evaluation.metrics.overlap import segment_iou
from videomind.evaluation.sample import Prediction, Sample, Span
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured
from videomind.evaluation.scoring.latest import latest

SECONDS = 5
"""Length of a segment."""
AGREE = 3
"""Annotators that count."""
Run = tuple[int, int]


def segments(span: Span) -> Run:
    """The nearest run of segments: its first and last."""
    first = floor(span[0] / SECONDS + 0.5)
    return first, max(first, floor(span[1] / SECONDS + 0.5) - 1)


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """rank@1, rank@5 and mIoU."""
    rows = [sample for sample in samples if sample.spans]
    ranks, overlaps = np.full(len(rows), inf), np.zeros(len(rows))
    for i, (row, found) in enumerate(zip(rows, latest(rows, predictions), strict=True)):
        if found is not None and found.spans:
            listed = list(dict.fromkeys(map(segments, found.spans)))
            ranks[i], overlaps[i] = _judged(listed, _annotated(row))
    counted = np.ones(len(rows), dtype=bool)
    columns = {f"rank@{k}": Column(ranks <= k, counted, 1.0) for k in (1, 5)}
    return measured(columns | {"mIoU": Column(overlaps, counted, 1.0)}, rows)


def _annotated(row: Sample) -> list[Run]:
    times: Any = row.notes.get("times")
    return [(first, last) for first, last in times] if times else [segments(span) for span in row.spans]


def _judged(listed: list[Run], annotated: list[Run]) -> tuple[float, float]:
    """Mean rank, and mean IoU of the first listed."""
    place = {run: float(rank) for rank, run in enumerate(listed, start=1)}
    ranks = sorted(place.get(run, inf) for run in annotated)[:AGREE]
    ious = np.sort(segment_iou(np.array(listed[0], dtype=np.float64), np.array(annotated, dtype=np.float64)))[-AGREE:]
    return sum(ranks) / len(ranks), float(ious.mean())


DIDEMO = Variant("official", "LocalizingMoments, utils/eval.py", measure)
