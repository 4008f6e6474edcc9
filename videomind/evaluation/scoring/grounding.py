"""Temporal grounding as VideoMind measures it: float32, hits from exactly the threshold on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videomind.evaluation.metrics.localization import Overlap, best_of_first, best_overlaps
from videomind.evaluation.metrics.overlap import iop, iou
from videomind.evaluation.metrics.ragged import Bools, Floats, Span, head, ragged
from videomind.evaluation.scoring.columns import Column

RANKS = (1, 3, 5)
THRESHOLDS = (0.3, 0.5, 0.7)
HALF = 0.5
"""Overlap from which a moment grounds an answer."""


def grounding_columns(
    listed: Sequence[Sequence[Span]], truths: Sequence[Sequence[Span]], counted: Bools
) -> dict[str, Column]:
    """R@k at IoU and IoP (named "R1@0.5", "IoP@0.5", "IoP R3@0.5"), mIoU and mIoP.

    Top k is the best of the first k listed spans over all true ones; mIoU and mIoP are of the first listed, each with
    the true span that suits it best.

    Args:
        listed: predicted spans of each row, best first; none = no overlap.
        truths: true spans of each row.
        counted: the rows that count [R].
    """
    columns: dict[str, Column] = {}
    for overlap, prefix, name in ((iou, "", "mIoU"), (iop, "IoP ", "mIoP")):
        best = _best(listed, truths, overlap)
        for k in RANKS:
            for threshold in THRESHOLDS:
                label = f"IoP@{threshold}" if prefix and k == 1 else f"{prefix}R{k}@{threshold}"
                columns[label] = Column(best[k] >= threshold, counted)
        columns[name] = Column(best[1].astype(np.float64), counted)
    return columns


def answer_columns(right: Bools, asked: Bools, grounded: dict[str, Column]) -> dict[str, Column]:
    """Acc, and the shares that are right and grounded as well: Acc@IoU (IoU ≥ 0.5) and Acc@GQA (IoP ≥ 0.5).

    Args:
        right: whether each row is answered right [R].
        asked: the rows that count [R].
        grounded: of `grounding_columns`; a row that does not count there is not grounded.
    """
    columns = {"Acc": Column(right, asked)}
    for name, hit in (("Acc@IoU", grounded[f"R1@{HALF}"]), ("Acc@GQA", grounded[f"IoP@{HALF}"])):
        columns[name] = Column(right & hit.values.astype(bool) & hit.counted, asked)
    return columns


def _best(listed: Sequence[Sequence[Span]], truths: Sequence[Sequence[Span]], overlap: Overlap) -> dict[int, Floats]:
    spans = head(ragged(listed), max(RANKS))
    overlaps = best_overlaps(spans, ragged(truths), overlap, np.float32)
    return {k: best_of_first(overlaps, spans.counts, k) for k in RANKS}
