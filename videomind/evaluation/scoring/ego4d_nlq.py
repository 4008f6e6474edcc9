"""Ego4D natural language queries (its episodic-memory code).

Every prediction counts, as often as it is there; queries without one are left out. An overlap must exceed the
threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import measured
from videomind.evaluation.scoring.two_d_tan import strict_columns

RANKS = (1, 3, 5)
THRESHOLDS = (0.3, 0.5, 0.7)


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """R1, R3 and R5 above IoU 0.3, 0.5 and 0.7, and mIoU."""
    known = {sample.id: sample for sample in samples if sample.spans}
    found = [
        (known[row.id], row.spans)
        for row in predictions
        if row.id in known and row.spans is not None and not row.failed
    ]
    rows, listed = [row for row, _ in found], [spans for _, spans in found]
    counted = np.ones(len(rows), dtype=bool)
    return measured(strict_columns(listed, [row.spans for row in rows], counted, RANKS, THRESHOLDS), rows)


EGO4D_NLQ = Variant("official", "Ego4D episodic memory, evaluate_ego4d_nlq.py", measure)
