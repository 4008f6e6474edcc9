"""Submissions of moments: QVHighlights and Ego4D natural language queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from videomind.errors import DataError
from videomind.evaluation.sample import Sample
from videomind.evaluation.submissions.base import (
    Files,
    Predictions,
    Submission,
    json_file,
    json_lines,
    scored_spans_of,
    spans_of,
)

NO_WINDOW = [0.0, 0.0, 0.0]
"""A window that overlaps nothing. The official evaluation of QVHighlights breaks on a query without any."""
KEYS = ("clip_uid", "annotation_uid", "query_idx")


def _qvhighlights(samples: Sequence[Sample], predictions: Predictions) -> Files:
    return json_lines(_highlight_lines(samples, predictions))


def _highlight_lines(samples: Sequence[Sample], predictions: Predictions) -> Iterator[dict[str, Any]]:
    for sample in samples:
        line = {
            "qid": int(sample.id),
            "query": sample.question,
            "vid": sample.notes["vid"],
            "pred_relevant_windows": scored_spans_of(sample, predictions) or [NO_WINDOW],
        }
        prediction = predictions.get(sample.id)
        if prediction is not None and prediction.saliency is not None:
            line["pred_saliency_scores"] = list(prediction.saliency)
        yield line


QVHIGHLIGHTS = Submission(
    files=_qvhighlights,
    suffix=".jsonl",
    missing="given an empty window, since the evaluation wants every query",
    source="https://github.com/jayleicn/moment_detr, standalone_eval/README.md",
)


def _ego4d(samples: Sequence[Sample], predictions: Predictions) -> Files:
    if any(key not in sample.notes for sample in samples for key in KEYS):
        raise DataError(
            "these annotations do not name clip_uid, annotation_uid and query_idx: give the official nlq_val.json "
            "with --annotations"
        )
    results = [
        {key: sample.notes[key] for key in KEYS} | {"predicted_times": spans}
        for sample in samples
        if (spans := spans_of(sample, predictions))
    ]
    return json_file({"version": "1.0", "challenge": "ego4d_nlq_challenge", "results": results})


EGO4D_NLQ = Submission(
    files=_ego4d,
    suffix=".json",
    missing="left out, and so out of the evaluation's denominator",
    source="https://github.com/EGO4D/episodic-memory, NLQ/VSLNet/utils/runner_utils.py and evaluate_ego4d_nlq.py",
)
