"""The published system's own evaluation of QVHighlights (its `eval_qvhighlights.py`).

It is moment_detr's with more metrics; "long" has no upper end, and a length that no true window has stands for all.
Beside its numbers stand those of its evaluation of the other benchmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from videomind.evaluation.metrics.localization import paired_iou
from videomind.evaluation.metrics.ragged import ragged
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring import videomind
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured
from videomind.evaluation.scoring.moment_detr import (
    LENGTHS,
    by_length,
    highlighted,
    precision_columns,
    retrieving,
    submitted,
)

THRESHOLDS = (0.3, 0.5, 0.7)


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """mAP, mIoU, R1 and R5 of moments, mAP and HIT@1 of highlights; and what VideoMind measures elsewhere."""
    queries = submitted(samples, predictions)
    rows = retrieving(queries)
    ranges = by_length(rows, LENGTHS | {"long": (LENGTHS["long"][0], inf)})
    truths = {name: windows if windows.counts.any() else ranges["full"] for name, windows in ranges.items()}
    listed = ragged(lines[-1].spans or () for _, lines in rows)
    columns = precision_columns(rows, truths)
    columns |= {f"MR-{name}-mIoU": Column(paired_iou(listed, of, 1), of.counts > 0) for name, of in truths.items()}
    for k in (1, 5):
        best = paired_iou(listed, truths["full"], k)
        columns |= {f"MR-full-R{k}@{t}": Column(best >= t, truths["full"].counts > 0) for t in THRESHOLDS}
    moments = measured(columns, [sample for sample, _ in rows])
    parts = (moments, highlighted(queries), videomind.measure(samples, predictions))
    return Measured(
        {name: value for part in parts for name, value in part.metrics.items()},
        {kind: labels for part in parts for kind, labels in part.groups.items()},
        {name: value for part in parts for name, value in part.intervals.items()},
    )


VIDEOMIND_QVHIGHLIGHTS = Variant("videomind", "VideoMind, eval_qvhighlights.py", measure)
