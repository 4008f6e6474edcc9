"""Temporal grounding in the tradition of 2D-TAN (Charades-STA, ActivityNet Captions, TACoS).

Every query counts, one without prediction as a miss. An overlap must exceed the threshold. (The original first
suppresses overlapping proposals of its own model; here the spans count as they are listed.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videomind.evaluation.metrics.localization import best_of_first, best_overlaps
from videomind.evaluation.metrics.overlap import hull_iou
from videomind.evaluation.metrics.ragged import Bools, Span, head, ragged
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured
from videomind.evaluation.scoring.latest import latest

RANKS = (1, 5)
THRESHOLDS = (0.1, 0.3, 0.5, 0.7)


def strict_columns(
    listed: Sequence[Sequence[Span]],
    truths: Sequence[Sequence[Span]],
    counted: Bools,
    ranks: Sequence[int],
    thresholds: Sequence[float],
) -> dict[str, Column]:
    """R@k above (not at) an IoU over the hull, and mIoU of the first listed.

    Args:
        listed: predicted spans of each row, best first.
        truths: true spans of each row.
        counted: the rows that count [R].
        ranks: the k.
        thresholds: overlaps to exceed.
    """
    spans = head(ragged(listed), max(ranks))
    overlaps = best_overlaps(spans, ragged(truths), hull_iou)
    best = {k: best_of_first(overlaps, spans.counts, k) for k in ranks}
    columns = {f"R{k}@{t}": Column(best[k] > t, counted) for k in ranks for t in thresholds}
    return columns | {"mIoU": Column(best[1], counted)}


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """R1 and R5 above IoU 0.1 to 0.7, and mIoU."""
    rows = [sample for sample in samples if sample.spans]
    listed = [found.spans or () if found else () for found in latest(rows, predictions)]
    counted = np.ones(len(rows), dtype=bool)
    return measured(strict_columns(listed, [row.spans for row in rows], counted, RANKS, THRESHOLDS), rows)


TWO_D_TAN = Variant("official", "2D-TAN, lib/core/eval.py", measure)
