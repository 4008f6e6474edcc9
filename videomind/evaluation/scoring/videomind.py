"""The published system's own evaluation (its `eval_auto.py`).

Every row of its output files counts as often as it is there: for grounding where it has spans and true spans, for the
answers where it has a response. An answer is read off as the first letter of the response's first word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from string import ascii_lowercase

import numpy as np

from videomind.evaluation.metrics.localization import Overlap, best_overlaps
from videomind.evaluation.metrics.overlap import iop, iou
from videomind.evaluation.metrics.ragged import Bools, Floats, Span, ragged
from videomind.evaluation.metrics.unions import summed_iou
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured
from videomind.evaluation.scoring.grounding import answer_columns, grounding_columns

Spans = Sequence[Sequence[Span]]
"""Spans of each row."""
CLUE_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)
_BARE = str.maketrans("", "", "().")


def first_letter(response: str, options: int) -> str | None:
    """The letter that the published evaluation reads a response as, in lower case; None where it is no option's.

    Args:
        response: the reply.
        options: how many options there are; 0 = not known.
    """
    word = response.lower().split(" ")[0].translate(_BARE)
    letter = word[:1]
    return letter if letter and letter in ascii_lowercase[: options or None] else None


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """R@k at IoU and IoP, mIoU, mIoP, Acc, Acc@IoU and Acc@GQA over all rows, and by task.

    And "IoU raise", "IoU lower", "IoP raise" and "IoP lower" where a verifier was at work: the shares of grounded rows
    whose first span it made a better or a worse one.
    """
    rows, truths = _rows(samples, predictions)
    grounded = np.fromiter((_grounded(row, truth) for row, truth in zip(rows, truths, strict=True)), bool, len(rows))
    right, asked = _answers(rows, truths)
    columns = grounding_columns([row.spans or () for row in rows], [truth.spans for truth in truths], grounded)
    columns |= answer_columns(right, asked, columns)
    for name, overlap in (("IoU", iou), ("IoP", iop)):
        columns |= _changes(name, columns[f"m{name}"], rows, truths, partial(_first_overlap, overlap))
    return measured(columns, truths, ("task",))


def measure_clues(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """CG-Bench: R1@0.1 to R1@0.5, mIoU, rec@IoU, long-acc and acc@IoU over all rows, and by task.

    The first listed span stands against all true ones at once (`summed_iou`). "IoU raise" and "IoU lower" as above.
    """
    rows, truths = _rows(samples, predictions)
    there = np.fromiter((_grounded(row, truth) for row, truth in zip(rows, truths, strict=True)), bool, len(rows))
    localized = there & np.fromiter((bool(row.spans) for row in rows), bool, len(rows))
    some = np.flatnonzero(localized)
    overlap = np.zeros(len(rows), dtype=np.float32)
    overlap[some] = _clue_overlap([rows[i].spans or () for i in some], [truths[i].spans for i in some])
    right, asked = _answers(rows, truths)
    hits = {threshold: there & (overlap >= threshold) for threshold in CLUE_THRESHOLDS}
    columns = {f"R1@{threshold}": Column(hit, there) for threshold, hit in hits.items()}
    columns["mIoU"] = Column(overlap.astype(np.float64), there)
    every = np.stack(list(hits.values()), axis=1)
    columns["rec@IoU"] = Column(every, there)
    columns["long-acc"] = Column(right, asked)
    columns["acc@IoU"] = Column(every & right[:, None], asked)
    columns |= _changes("IoU", columns["mIoU"], rows, truths, _clue_overlap)
    return measured(columns, truths, ("task",))


def _first_overlap(overlap: Overlap, listed: Spans, truths: Spans) -> Floats:
    """The overlap of the first listed span with the true one that suits it best [R]."""
    return best_overlaps(ragged(spans[:1] for spans in listed), ragged(truths), overlap, np.float32)


def _clue_overlap(listed: Spans, truths: Spans) -> Floats:
    """The overlap of the first listed span with all true ones at once [R]."""
    return summed_iou(ragged(spans[:1] for spans in listed), ragged(truths))


def _changes(
    name: str,
    after: Column,
    rows: Sequence[Prediction],
    truths: Sequence[Sample],
    overlap: Callable[[Spans, Spans], Floats],
) -> dict[str, Column]:
    """Where the overlap of the first span rose by verification, and where it fell; {} where nothing was verified."""
    verified = [i for i in np.flatnonzero(after.counted).tolist() if rows[i].unverified]
    if not verified:
        return {}
    before = overlap([rows[i].unverified or () for i in verified], [truths[i].spans for i in verified])
    change = np.zeros(len(rows))
    change[verified] = after.values[verified] - before
    return {f"{name} raise": Column(change > 0, after.counted), f"{name} lower": Column(change < 0, after.counted)}


def _rows(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> tuple[list[Prediction], list[Sample]]:
    """The predictions that count, and what is true of each: as their file says, or else the annotations."""
    known = {sample.id: sample for sample in samples}
    pairs = ((row, row.truth or known.get(row.id)) for row in predictions if not row.failed)
    found = [(row, truth) for row, truth in pairs if truth is not None]
    return [row for row, _ in found], [truth for _, truth in found]


def _grounded(row: Prediction, truth: Sample) -> bool:
    return row.spans is not None and bool(truth.spans)


def _answers(rows: Sequence[Prediction], truths: Sequence[Sample]) -> tuple[Bools, Bools]:
    """Which rows are answered right [R], and which were asked [R]."""
    right, asked = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    for i, (row, truth) in enumerate(zip(rows, truths, strict=True)):
        if row.response is not None and (truth.options or truth.answer is not None):
            asked[i] = True
            letter = first_letter(row.response, len(truth.options))
            right[i] = letter is not None and letter == (truth.answer or "").lower()
    return right, asked


VIDEOMIND = Variant("videomind", "VideoMind, eval_auto.py", measure)
VIDEOMIND_CGBENCH = Variant("videomind", "VideoMind, eval_auto.py --dataset cgbench", measure_clues)
