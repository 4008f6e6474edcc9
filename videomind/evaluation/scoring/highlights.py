"""The highlights of QVHighlights: three annotators' opinions of 2-second clips against scores for all clips."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from videomind.evaluation.metrics.highlights import highlight_hit, highlight_precision
from videomind.evaluation.metrics.ragged import Ints
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.columns import Column

CLIP = 2
"""Seconds of a clip."""
ANNOTATORS = 3
LEVELS = {"Fair": 2, "Good": 3, "VeryGood": 4}
"""Name → the least of an annotator's opinions (0 to 4) that makes a clip a highlight."""
_AT_ONCE = 2048
Row = tuple[Sample, Prediction]


def highlight_columns(rows: Sequence[Row]) -> dict[str, Column]:
    """mAP and HIT@1 at each level.

    Args:
        rows: annotated samples (`is_annotated`), and predictions with scores of clips.
    """
    parts = [_measure(rows[i : i + _AT_ONCE]) for i in range(0, len(rows), _AT_ONCE)]
    if not parts:
        return {}
    counted = np.ones(len(rows), dtype=bool)
    names = [f"HL-min-{level}-{what}" for level in LEVELS for what in ("mAP", "Hit1")]
    return {
        name: Column(np.concatenate(values), counted)
        for name, values in zip(names, zip(*parts, strict=True), strict=True)
    }


def is_annotated(sample: Sample) -> bool:
    """Whether it tells what annotators think of its clips: relevant_clip_ids and saliency_scores in its notes."""
    return sample.duration is not None and isinstance(sample.notes.get("saliency_scores"), (list, tuple))


def _measure(rows: Sequence[Row]) -> list[np.ndarray]:
    """For each level the precision for each annotator [Q, 3], and the hits [Q]."""
    clips = np.array([int((sample.duration or 0) / CLIP) for sample, _ in rows])
    width = int(clips.max())
    opinions = _opinions([sample for sample, _ in rows], clips, width)
    given = np.fromiter((len(line.saliency or ()) for _, line in rows), np.int64, len(rows))
    scores = np.zeros((len(rows), max(width, int(given.max()))))
    there = np.arange(scores.shape[1]) < given[:, None]
    scores[there] = np.fromiter(chain.from_iterable(line.saliency or () for _, line in rows), np.float64, given.sum())
    best = np.where(there, scores, -np.inf).argmax(axis=1)
    right = np.concatenate([opinions >= least for least in LEVELS.values()], axis=1)
    precision = highlight_precision(scores[:, :width], right, clips)
    found = []
    for level in range(len(LEVELS)):
        own = slice(ANNOTATORS * level, ANNOTATORS * (level + 1))
        found += [precision[:, own], highlight_hit(best, right[:, own], clips)]
    return found


def _opinions(samples: Sequence[Sample], clips: Ints, width: int) -> np.ndarray:
    """What annotators think of each clip [Q, 3, C]; 0 of those that they were not asked about."""
    asked = [sample.notes["relevant_clip_ids"] for sample in samples]
    each = np.fromiter(map(len, asked), np.int64, len(asked))
    row, clip = np.repeat(np.arange(len(asked)), each), np.fromiter(chain.from_iterable(asked), np.int64, each.sum())
    given = chain.from_iterable(sample.notes["saliency_scores"] for sample in samples)
    told = np.fromiter(chain.from_iterable(given), np.float64, ANNOTATORS * len(row)).reshape(-1, ANNOTATORS)
    inside = clip < clips[row]
    opinions = np.zeros((len(samples), ANNOTATORS, width))
    opinions[row[inside], :, clip[inside]] = told[inside]
    return opinions
