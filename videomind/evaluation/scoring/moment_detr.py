"""QVHighlights (Lei et al. 2021) as moment_detr's `standalone_eval` scores a submission.

A query counts that has a submitted line (its `match_number=False`); a line without windows is left out of moment
retrieval. R1 is about the first listed window, mAP about the first ten. "short", "middle" and "long" keep the true
windows of up to 10, 30 and 150 seconds, and the queries that then have any; predictions stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from videomind.evaluation.metrics.localization import paired_iou
from videomind.evaluation.metrics.moment_map import MOST, average_precision
from videomind.evaluation.metrics.moment_map import THRESHOLDS as AP_THRESHOLDS
from videomind.evaluation.metrics.ragged import Ragged, kept, ragged
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured
from videomind.evaluation.scoring.highlights import highlight_columns, is_annotated

LENGTHS = {"short": (0.0, 10.0), "middle": (10.0, 30.0), "long": (30.0, 150.0)}
"""Name → the length in seconds that a window exceeds, and the one that it does not."""
Submitted = tuple[Sample, list[Prediction]]


def submitted(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> list[Submitted]:
    """The samples that there are predictions of, each with all of them in order."""
    lines: defaultdict[str, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        if not prediction.failed:
            lines[prediction.id].append(prediction)
    return [(sample, lines[sample.id]) for sample in samples if sample.id in lines]


def retrieving(queries: Sequence[Submitted]) -> list[Submitted]:
    """The queries that moment retrieval is scored on: with true windows, and windows in the last line."""
    return [(sample, lines) for sample, lines in queries if sample.spans and lines[-1].spans]


def by_length(rows: Sequence[Submitted], lengths: Mapping[str, tuple[float, float]]) -> dict[str, Ragged]:
    """The true windows of each query: all ("full"), and those of each range of lengths."""
    full = ragged(sample.spans for sample, _ in rows)
    length = full.spans[:, 1] - full.spans[:, 0]
    some = {name: kept(full, (above < length) & (length <= most)) for name, (above, most) in lengths.items()}
    return {"full": full, **some}


def precision_columns(rows: Sequence[Submitted], truths: Mapping[str, Ragged]) -> dict[str, Column]:
    """mAP for each set of true windows, and at IoU 0.5 and 0.75 for "full"."""
    listed, scores = _first_listed(rows)
    columns: dict[str, Column] = {}
    for name, windows in truths.items():
        there = windows.counts > 0
        own = there[listed.rows]
        some = Ragged(listed.spans[own], listed.counts[there])
        values = np.zeros((len(rows), len(AP_THRESHOLDS)))
        values[there] = average_precision(some, scores[own], Ragged(windows.spans, windows.counts[there]))
        columns[f"MR-{name}-mAP"] = Column(values, there)
        if name == "full":
            for threshold in (0.5, 0.75):
                columns[f"MR-full-mAP@{threshold}"] = Column(values[:, AP_THRESHOLDS.index(threshold)], there)
    return columns


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """mAP and R1 of moments, mAP and HIT@1 of highlights, under the names of its brief."""
    queries = submitted(samples, predictions)
    rows = retrieving(queries)
    truths = by_length(rows, LENGTHS)
    first = paired_iou(ragged(lines[-1].spans or () for _, lines in rows), truths["full"], 1)
    columns = precision_columns(rows, truths)
    columns |= {f"MR-full-R1@{t}": Column(first >= t, np.ones(len(rows), dtype=bool)) for t in (0.5, 0.7)}
    moments = measured(columns, [sample for sample, _ in rows])
    highlights = highlighted(queries)
    return Measured(moments.metrics | highlights.metrics, {}, moments.intervals | highlights.intervals)


def highlighted(queries: Sequence[Submitted]) -> Measured:
    """mAP and HIT@1 of highlights, where the last line scores clips and the annotations do."""
    rows = [(sample, lines[-1]) for sample, lines in queries if lines[-1].saliency and is_annotated(sample)]
    return measured(highlight_columns(rows), [sample for sample, _ in rows])


def _first_listed(rows: Sequence[Submitted]) -> tuple[Ragged, np.ndarray]:
    """The windows that count for mAP, and their scores: the first ten of each line. Without scores all are equal."""
    windows = [[span for line in lines for span in (line.spans or ())[:MOST]] for _, lines in rows]
    scores = [
        score for _, lines in rows for line in lines for score in (line.scores or (0.0,) * len(line.spans or ()))[:MOST]
    ]
    return ragged(windows), np.array(scores, dtype=np.float64)


MOMENT_DETR = Variant("official", "moment_detr, standalone_eval/eval.py", measure)
