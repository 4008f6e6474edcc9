"""ReXTime (Chen et al. 2024): moments in percent, answers as fractions, as its evaluation prints them.

Questions without prediction are left out (its `match_number=False`). The first listed window counts. A submitted
answer is right if it is just the letter, of a reply what `parse_option` reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videomind.evaluation.metrics.localization import paired_iou
from videomind.evaluation.metrics.ragged import ragged
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured
from videomind.evaluation.scoring.latest import both
from videomind.evaluation.scoring.reply import chosen


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """MR-full-mIoU, MR-full-R1@0.3, MR-full-R1@0.5, GQA@0.5 and vqa_acc."""
    rows, found = both(samples, predictions)
    pairs = list(zip(rows, found, strict=True))
    localized = np.array([bool(row.spans and one.spans) for row, one in pairs], dtype=bool)
    overlap = paired_iou(ragged(one.spans or () for one in found), ragged(row.spans for row in rows), 1)
    asked = np.array([one.response is not None and row.answer is not None for row, one in pairs], dtype=bool)
    right = np.array([_right(row, one) for row, one in pairs], dtype=bool)
    columns = {
        "MR-full-mIoU": Column(overlap, localized),
        "MR-full-R1@0.3": Column(overlap >= 0.3, localized),
        "MR-full-R1@0.5": Column(overlap >= 0.5, localized),
        "GQA@0.5": Column(right & (overlap >= 0.5), localized if asked.any() else np.zeros_like(localized), 1.0),
        "vqa_acc": Column(right, asked, 1.0),
    }
    return measured(columns, rows)


def _right(row: Sample, found: Prediction) -> bool:
    if found.response is None or row.answer is None:
        return False
    if found.submitted:
        return found.response == row.answer
    return chosen(found.response, row) == row.answer


REXTIME = Variant("official", "ReXTime, evaluation/rextime_eval.py", measure)
