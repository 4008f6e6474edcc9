"""The published system's output files: JSON lists of annotations with what it predicted beside them.

Its evaluation grounds the rows that have `pred`, `conf` and `span`: where one of the last two is missing, the row's own
truth has no spans, and only the definitions that go by the annotations count it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, Strict

from videomind.errors import DataError
from videomind.evaluation.predictions.files import checked
from videomind.evaluation.predictions.matching import Matcher
from videomind.evaluation.sample import Prediction, Sample, Span

_Number = Annotated[float, Strict()]
_Spans = tuple[tuple[_Number, _Number], ...]
KEYS = ("video_path", "span", "pred", "response")
"""What a row has, at least one of these."""


class _Row(BaseModel):
    """A row. Times may be no finite numbers: their overlap is then none."""

    video_path: str | Annotated[tuple[str, ...], Field(min_length=1)] = ""
    query: str | None = None
    question: str | None = None
    options: tuple[str, ...] | None = None
    ans: str | None = None
    duration: _Number | None = None
    span: _Spans | None = None
    task: str | tuple[str, ...] = "unknown"
    pred: _Spans | None = None
    conf: tuple[_Number, ...] | None = None
    pred_ori: _Spans | None = None
    response: str | None = None


def is_output(entry: Any) -> bool:
    """Whether an entry is laid out so."""
    return isinstance(entry, dict) and any(key in entry for key in KEYS)


def read_output(path: Path, entries: Iterable[tuple[str, Any]], matcher: Matcher) -> Iterator[Prediction]:
    """The predictions of a file, row for row, each with its own truth.

    Args:
        path: the file, for messages.
        entries: what it holds, with places.
        matcher: finds the sample of each.

    Raises:
        DataError: a row is not as the published system writes it.
    """
    for place, entry in entries:
        row = checked(_Row, path, place, entry)
        answered = row.question is not None and row.response is not None
        if answered and (row.options is None or row.ans is None):
            raise DataError(f"{path}, {place}: it has a response, but no options or no ans")
        found = matcher.match(_video(row), _text(row), row.span or (), row.options or ())
        yield Prediction(
            id=found.id if found else f"{path.name}, {place}",
            spans=row.pred,
            scores=row.conf if row.pred and row.conf and len(row.conf) == len(row.pred) else (),
            unverified=row.pred_ori,
            response=row.response if answered else None,
            truth=_truth(row, found),
        )


def _truth(row: _Row, found: Sample | None) -> Sample:
    spans: tuple[Span, ...] = row.span if row.span and row.conf is not None else ()
    return Sample(
        id=found.id if found else "",
        video=found.video if found else (_video(row),),
        question=_text(row),
        options=row.options or (),
        answer=row.ans.upper() if row.ans else None,
        spans=spans,
        duration=row.duration,
        groups=tuple(("task", task) for task in ((row.task,) if isinstance(row.task, str) else row.task)),
    )


def _video(row: _Row) -> str:
    """The video; of frames that lie in a folder, the folder."""
    return row.video_path if isinstance(row.video_path, str) else row.video_path[0].rpartition("/")[0]


def _text(row: _Row) -> str:
    return row.question or row.query or ""
