"""NExT-GQA (Xiao et al. 2024): grounded answers to causal and temporal questions.

One span per question, the first listed. A question without one is left out of the grounding, one without answer out
of Acc@QA. An empty span inside a true one has IoP 1. Right is what equals the answer that the predictions' file
gives, where it gives one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from videomind.evaluation.metrics.localization import best_overlaps
from videomind.evaluation.metrics.overlap import hull_iou, point_iop
from videomind.evaluation.metrics.ragged import Bools, ragged
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, by_label, measured
from videomind.evaluation.scoring.latest import both
from videomind.evaluation.scoring.reply import chosen

TYPES = {
    "CW": "Why",
    "CH": "How",
    "TN": "Bef&Aft",
    "TP": "Bef&Aft",
    "TC": "When",
    "DC": "Cnt",
    "DL": "Loc",
    "DO": "Other",
}
"""Type of question (a sample's "task") → as the original prints it; before and after are one."""


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """Acc@GQA, mIoP, IoP@0.3, IoP@0.5, mIoU, IoU@0.3, IoU@0.5 and Acc@QA, and Acc@QA by type of question."""
    rows, found = both([sample for sample in samples if sample.spans], predictions)
    localized = np.fromiter((bool(one.spans) for one in found), bool, len(rows))
    listed, truths = ragged((one.spans or ())[:1] for one in found), ragged(row.spans for row in rows)
    overlap, precision = np.zeros(len(rows)), np.zeros(len(rows))
    overlap[localized] = best_overlaps(listed, truths, hull_iou)
    precision[localized] = best_overlaps(listed, truths, point_iop)
    right, asked = _answers(rows, found)
    answered = localized if asked.any() else np.zeros_like(localized)
    columns = {
        "Acc@GQA": Column(right & (precision >= 0.5), answered),
        "mIoP": Column(precision, localized),
        "IoP@0.3": Column(precision >= 0.3, localized),
        "IoP@0.5": Column(precision >= 0.5, localized),
        "mIoU": Column(overlap, localized),
        "IoU@0.3": Column(overlap >= 0.3, localized),
        "IoU@0.5": Column(overlap >= 0.5, localized),
        "Acc@QA": Column(right, asked),
    }
    whole = measured(columns, rows)
    typed = [replace(row, groups=_types(row)) for row in rows]
    return Measured(whole.metrics, by_label({"Acc@QA": columns["Acc@QA"]}, typed, ("type",)), whole.intervals)


def _types(row: Sample) -> tuple[tuple[str, str], ...]:
    """The type of a question as the original prints it, and the family it belongs to."""
    return tuple(("type", name) for task in row.labels("task") for name in (TYPES.get(task, task), f"Acc_{task[:1]}"))


def _answers(rows: Sequence[Sample], found: Sequence[Prediction]) -> tuple[Bools, Bools]:
    """Which questions are answered right [R], and which are answered [R]."""
    right, asked = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    for i, (row, one) in enumerate(zip(rows, found, strict=True)):
        if one.response is not None:
            asked[i] = True
            letter = chosen(one.response, row)
            right[i] = letter is not None and letter == (one.truth or row).answer
    return right, asked


NEXT_GQA = Variant("official", "NExT-GQA, eval_ground.py and eval_next.py", measure)
