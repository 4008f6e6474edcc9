"""The predictions that `videomind eval run` writes: `predictions.jsonl`, a sample a line.

A later line of a sample replaces an earlier one. A last line that is not whole (the run was killed) is left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from videomind.annotations.files import numbered_lines
from videomind.evaluation.predictions.files import checked, parsed
from videomind.evaluation.sample import Prediction, Span
from videomind.roles.answerer import OPTION_PREFIX

NAME = "predictions.jsonl"
_Number = Annotated[float, Strict()]


class _Row(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)


class _Candidate(_Row):
    start: _Number
    end: _Number
    confidence: _Number = 0.0
    verified: _Number | None = None


class _Answer(_Row):
    text: str
    option: str | None = None


class _Result(_Row):
    candidates: tuple[_Candidate, ...] = ()
    moments: tuple[_Candidate, ...] = ()
    answer: _Answer | None = None
    presence: _Number | None = None


class _Call(_Row):
    role: str
    reply: str = ""


class _Trace(_Row):
    grounded: tuple[_Candidate, ...] = ()
    calls: tuple[_Call, ...] = ()


class _Line(_Row):
    id: Annotated[str, Field(min_length=1)]
    result: _Result | None = None
    trace: _Trace = _Trace()
    error: str | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.result is None and self.error is None:
            raise ValueError('it has neither a "result" nor an "error"')
        return self


def is_own(entry: Any) -> bool:
    """Whether an entry is laid out so."""
    return isinstance(entry, dict) and "id" in entry and ("result" in entry or "error" in entry)


def read_own(path: Path) -> list[Prediction]:
    """The predictions of a file, one for each id.

    Raises:
        DataError: it cannot be read, or a line is not as it should be.
    """
    lines = list(numbered_lines(path))
    if lines and not _is_whole(lines[-1][1]):
        lines.pop()
    entries = (checked(_Line, path, place, parsed(path, place, line)) for place, line in lines)
    return list({entry.id: _prediction(entry) for entry in entries}.values())


def _is_whole(line: bytes | None) -> bool:
    try:
        return line is None or bool(json.loads(line))
    except ValueError:
        return False


def _prediction(line: _Line) -> Prediction:
    result = line.result
    if result is None or line.error is not None:
        return Prediction(line.id, failed=True)
    verified = any(candidate.verified is not None for candidate in result.candidates)
    return Prediction(
        id=line.id,
        spans=_spans(result.candidates) or None,
        scores=tuple(candidate.confidence for candidate in result.candidates),
        unverified=_spans(line.trace.grounded) if verified else None,
        response=_response(result, line.trace),
        absent=None if result.presence is None else not result.moments,
    )


def _spans(candidates: tuple[_Candidate, ...]) -> tuple[Span, ...]:
    return tuple((candidate.start, candidate.end) for candidate in candidates)


def _response(result: _Result, trace: _Trace) -> str | None:
    """What the answerer generated, without the forced beginning; where no trace tells, the option or the text."""
    if result.answer is None:
        return None
    replies = [call.reply for call in trace.calls if call.role == "answerer"]
    return (replies[-1] if replies else result.answer.option or result.answer.text).removeprefix(OPTION_PREFIX)
