"""What an official submission is: the files that a benchmark's own evaluation or server takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.reply import chosen

Predictions = Mapping[str, Prediction]
"""Prediction by the id of its sample; none for those that are missing or failed."""
Files = dict[str, str]
"""Name → content. A file that the user names has the name "". A name may hold "{split}"."""


@dataclass(frozen=True, slots=True)
class Submission:
    """How a benchmark takes predictions.

    Attributes:
        files: the content, from all samples in the order of the annotations and their predictions.
        suffix: of the file; "" where it is a folder of several.
        missing: what happens to samples without a prediction, in words.
        source: where the format is described.
    """

    files: Callable[[Sequence[Sample], Predictions], Files]
    suffix: str
    missing: str
    source: str


def option_of(sample: Sample, predictions: Predictions) -> str | None:
    """The letter that was chosen; None where nothing was, or it cannot be read."""
    prediction = predictions.get(sample.id)
    if prediction is None or prediction.response is None:
        return None
    return chosen(prediction.response, sample)


def spans_of(sample: Sample, predictions: Predictions) -> list[list[float]]:
    """The predicted spans as listed; none where nothing was localised."""
    prediction = predictions.get(sample.id)
    return [] if prediction is None or prediction.spans is None else [[start, end] for start, end in prediction.spans]


def scored_spans_of(sample: Sample, predictions: Predictions) -> list[list[float]]:
    """The predicted spans as [start, end, score]; without scores, falling ones that keep the order."""
    spans = spans_of(sample, predictions)
    scores = predictions[sample.id].scores if spans else ()
    kept = scores if len(scores) == len(spans) else [1 - place / len(spans) for place in range(len(spans))]
    return [[*span, score] for span, score in zip(spans, kept, strict=True)]


def json_file(content: Any) -> Files:
    """One JSON file."""
    return {"": _json(content) + "\n"}


def json_lines(lines: Iterable[Any]) -> Files:
    """One JSONL file."""
    return {"": "".join(_json(line) + "\n" for line in lines)}


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)
