"""NExT-GQA's predictions: {"<video>_<question>": [start, end]} and {"…": {"prediction": 2, "answer": 2}}.

A grounding file called "…_gs.json" holds fractions of the duration, which become seconds rounded to 0.1. Answers are
numbers of options from 0, or their texts; right is what equals the answer of the file itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, Strict

from videomind.errors import DataError
from videomind.evaluation.predictions.files import checked
from videomind.evaluation.sample import Prediction, Sample, Span

FRACTIONS = "_gs.json"
_Number = Annotated[float, Strict()]
_Option = Annotated[int, Strict()] | str


class _Grounding(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    span: Annotated[tuple[_Number, ...], Field(min_length=2)]


class _Answer(BaseModel):
    prediction: _Option
    answer: _Option


def is_answers(content: Mapping[str, Any]) -> bool:
    """Whether a file holds answers, not spans."""
    return any(isinstance(entry, dict) for entry in content.values())


def read_pair(
    grounding: tuple[Path, Mapping[str, Any]] | None,
    answers: tuple[Path, Mapping[str, Any]] | None,
    samples: Sequence[Sample],
) -> list[Prediction]:
    """The predictions of both files, or of one.

    Args:
        grounding: the file of spans, and what it holds.
        answers: the file of answers, and what it holds.
        samples: of the annotations; they tell durations and the letters of options.

    Raises:
        DataError: an entry is not laid out so, or the duration that a fraction is of is not known.
    """
    known = {sample.id: sample for sample in samples}
    spans = _spans(*grounding, known) if grounding else {}
    replies = {key: checked(_Answer, answers[0], key, entry) for key, entry in answers[1].items()} if answers else {}
    found = []
    for key in dict.fromkeys((*spans, *replies)):
        prediction = Prediction(key, spans=(spans[key],) if key in spans else None, scores=(1.0,) * (key in spans))
        found.append(_answered(prediction, replies[key], known.get(key)) if key in replies else prediction)
    return found


def _spans(path: Path, content: Mapping[str, Any], known: Mapping[str, Sample]) -> dict[str, Span]:
    spans = {}
    for key, entry in content.items():
        times = checked(_Grounding, path, key, {"span": entry}).span
        if path.name.endswith(FRACTIONS) and key in known:
            duration = known[key].duration
            if duration is None:
                raise DataError(f"{path}, {key} is a fraction of the video, whose duration the annotations do not tell")
            times = tuple(np.round(np.asarray(times) * duration, 1).tolist())
        spans[key] = (times[0], times[-1])
    return spans


def _answered(prediction: Prediction, reply: _Answer, sample: Sample | None) -> Prediction:
    if sample is None:
        return replace(prediction, response=str(reply.prediction))
    answer = _letter(reply.answer, sample) or sample.answer
    right = reply.prediction == reply.answer
    response = answer if right else _letter(reply.prediction, sample)
    if response == answer and not right:  # the same option, written otherwise: wrong in the original
        answer = None
    truth = None if answer == sample.answer else replace(sample, answer=answer)
    return replace(prediction, response=response or str(reply.prediction), truth=truth)


def _letter(option: int | str, sample: Sample) -> str | None:
    """The letter of an option; None where it is none."""
    if isinstance(option, int):
        return ascii_uppercase[option] if 0 <= option < len(sample.options) else None
    texts = [text.strip().casefold() for text in sample.options]
    text = option.strip().casefold()
    return ascii_uppercase[texts.index(text)] if text in texts else None
