"""Submissions of moments and answers: NExT-GQA, ReXTime and DeVE-QA."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from string import ascii_uppercase
from typing import Any

from videomind.evaluation.sample import Sample
from videomind.evaluation.submissions.base import (
    Files,
    Predictions,
    Submission,
    json_lines,
    option_of,
    spans_of,
)

GROUNDING, ANSWERS = "{split}_ground.json", "{split}-res.json"
"""Names of NExT-GQA's files, as its evaluation looks for them."""
NO_OPTION, NO_ANSWER = -1, -2
"""What NExT-GQA's evaluation finds instead of an option's number: none chosen, none known to be right."""


def _nextgqa(samples: Sequence[Sample], predictions: Predictions) -> Files:
    grounding = {sample.id: spans[0] for sample in samples if (spans := spans_of(sample, predictions))}
    answers = {
        sample.id: {
            "prediction": _number(option_of(sample, predictions), NO_OPTION),
            "answer": _number(sample.answer, NO_ANSWER),
        }
        for sample in samples
        if sample.id in predictions
    }
    asked = any(one.response is not None for one in predictions.values())
    return {GROUNDING: json.dumps(grounding) + "\n", ANSWERS: json.dumps(answers if asked else {}) + "\n"}


def _number(letter: str | None, otherwise: int) -> int:
    return otherwise if letter is None else ascii_uppercase.index(letter)


NEXTGQA = Submission(
    files=_nextgqa,
    suffix="",
    missing="left out, and so out of the evaluation's denominators",
    source="https://github.com/doc-doc/NExT-GQA, code/TempGQA/eval_ground.py and code/SeViLA/tools/split_qa_loc.py",
)


def _rextime(samples: Sequence[Sample], predictions: Predictions) -> Files:
    grounded = any(one.spans is not None for one in predictions.values())
    answered = any(one.response is not None for one in predictions.values())
    return json_lines(_rextime_lines(samples, predictions, grounded, answered))


def _rextime_lines(
    samples: Sequence[Sample], predictions: Predictions, grounded: bool, answered: bool
) -> Iterator[dict[str, Any]]:
    for sample in samples:
        line: dict[str, Any] = {"qid": sample.id}
        if grounded:
            line["pred_relevant_windows"] = spans_of(sample, predictions)[:1] or [[0.0, 0.0]]
        if answered:
            line["ans"] = option_of(sample, predictions) or ""
        yield line


REXTIME = Submission(
    files=_rextime,
    suffix=".jsonl",
    missing="given an empty window and no option, since the evaluation wants every question",
    source="https://github.com/ReXTime/ReXTime, README.md and evaluation/rextime_eval.py",
)


def _deveqa(samples: Sequence[Sample], predictions: Predictions) -> Files:
    return json_lines(
        {
            "qid": sample.id,
            "answer": option_of(sample, predictions) or "",
            "span": next(iter(spans_of(sample, predictions)), [0.0, 0.0]),
        }
        for sample in samples
        if sample.id in predictions
    )


DEVEQA = Submission(
    files=_deveqa,
    suffix=".jsonl",
    missing="left out, which the evaluation counts as wrong",
    source="https://github.com/QHUni/DeVE-QA, method/devi/schema.py and eval.py",
)
