"""Every sample counts once: what is missing, failed, or cannot be read is wrong.

Overlaps are VideoMind's (float32, hits from exactly the threshold on); replies are read by `parse_option`. Of several
predictions of a sample the last counts. What no prediction attempts (moments, answers, to say that something is
absent) is not measured, and Acc@IoU and Acc@GQA only where there is something to localise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videomind.evaluation.metrics.ragged import Bools
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, kinds_of, measured
from videomind.evaluation.scoring.grounding import answer_columns, grounding_columns
from videomind.evaluation.scoring.latest import latest
from videomind.evaluation.scoring.reply import chosen


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """R@k at IoU and IoP, mIoU, mIoP, Acc, Acc@IoU, Acc@GQA, found and not-found, over all samples and by label.

    "not-found" is the share of absent things that are said to be absent, "found" the share of the others that are
    not. Samples without true spans are left out of the overlaps, those without options out of the answers.
    """
    found = latest(samples, predictions)
    tried = [one for one in found if one is not None]
    columns: dict[str, Column] = {}
    localizing = not tried or any(one.spans is not None for one in tried)
    spans = np.fromiter((localizing and bool(sample.spans) for sample in samples), bool, len(samples))
    listed = [one.spans or () if one else () for one in found]
    columns |= grounding_columns(listed, [sample.spans for sample in samples], spans)
    answering = not tried or any(one.response is not None for one in tried)
    asked = np.fromiter((answering and bool(sample.options) for sample in samples), bool, len(samples))
    if any(sample.answer is not None for sample in samples):
        answers = answer_columns(_right(samples, found), asked, columns)
        columns |= answers if spans.any() else {"Acc": answers["Acc"]}
    if any(one.absent is not None for one in tried):
        columns |= _presence(samples, found)
    return measured(columns, samples, kinds_of(samples))


def _right(samples: Sequence[Sample], found: Sequence[Prediction | None]) -> Bools:
    """Which samples are answered right [R]."""
    right = np.zeros(len(samples), dtype=bool)
    for i, (sample, one) in enumerate(zip(samples, found, strict=True)):
        if one is not None and one.response is not None and sample.answer is not None:
            right[i] = chosen(one.response, sample) == sample.answer
    return right


def _presence(samples: Sequence[Sample], found: Sequence[Prediction | None]) -> dict[str, Column]:
    absent = np.fromiter((sample.absent for sample in samples), bool, len(samples))
    said = np.fromiter((one is not None and bool(one.absent) for one in found), bool, len(samples))
    there = np.fromiter((one is not None for one in found), bool, len(samples))
    return {"found": Column(there & ~said, ~absent), "not-found": Column(said, absent)}


FIXED = Variant("fixed", "this project: every sample counts", measure)
