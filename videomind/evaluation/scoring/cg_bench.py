"""CG-Bench (Chen et al. 2024): answers about long videos, with the clues that they rest on.

The clue intervals of a question stand together against the predicted interval, the first listed; overlapping ones
count once. What has no prediction is left out, as in the original. A reply is read as JSON ({"result": "A"}), or else
is right if the right letter stands in it as a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from videomind.evaluation.metrics.ragged import ragged
from videomind.evaluation.metrics.unions import union_iou
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, measured
from videomind.evaluation.scoring.latest import both

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)
_JSON = re.compile(r"```json(.*?)```", re.DOTALL)
_BARE_WORD = re.compile(r"(?<=:\s)([A-Za-z_]\w*)")
_LETTER = re.compile(r"\b[A-H]\b")


def right_reply(reply: str, answer: str) -> bool:
    """Whether a reply names the right letter."""
    if match := _JSON.search(reply):
        try:
            return bool(json.loads(_BARE_WORD.sub(r'"\1"', match[1].strip()))["result"] == answer)
        except (ValueError, LookupError, TypeError, RecursionError):
            pass  # then it is read as text
    return answer in _LETTER.findall(reply)


def measure(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """long-acc, mIoU, rec@IoU and acc@IoU: the last two are means over IoU from 0.1 to 0.5 on."""
    rows, found = both(samples, predictions)
    overlap = union_iou(ragged((one.spans or ())[:1] for one in found), ragged(row.spans for row in rows))
    pairs = list(zip(rows, found, strict=True))
    localized = np.array([bool(row.spans and one.spans) for row, one in pairs], dtype=bool)
    asked = np.array([bool(row.answer and one.response) for row, one in pairs], dtype=bool)
    right = np.zeros(len(rows), dtype=bool)
    for i in np.flatnonzero(asked):
        right[i] = right_reply(found[i].response or "", rows[i].answer or "")
    hits = overlap[:, None] >= np.array(THRESHOLDS)
    columns = {
        "long-acc": Column(right, asked),
        "mIoU": Column(overlap, localized),
        "rec@IoU": Column(hits, localized),
        "acc@IoU": Column(hits & right[:, None], asked if localized.any() else np.zeros_like(asked)),
    }
    return measured(columns, rows)


CG_BENCH = Variant("official", "CG-Bench, run/utils.py", measure)
