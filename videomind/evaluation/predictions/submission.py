"""Submissions in the layout of QVHighlights (also of ReXTime): a query a line, with windows and scores of clips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict

from videomind.evaluation.predictions.files import checked
from videomind.evaluation.sample import Prediction

WHAT = ("pred_relevant_windows", "pred_saliency_scores", "ans")
"""What a line can tell of a query, at least one of these."""
_Number = Annotated[float, Strict()]
_Window = Annotated[tuple[_Number, ...], Field(min_length=2, max_length=3)]


class _Line(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)

    qid: Annotated[str, Field(min_length=1)] | Annotated[int, Strict()]
    pred_relevant_windows: tuple[_Window, ...] | None = None
    pred_saliency_scores: tuple[_Number, ...] | None = None
    ans: str | None = None


def is_submission(entry: Any) -> bool:
    """Whether an entry is laid out so."""
    return isinstance(entry, dict) and "qid" in entry and any(key in entry for key in WHAT)


def read_submission(path: Path, entries: Iterable[tuple[str, Any]]) -> Iterator[Prediction]:
    """The predictions of a file, row for row.

    Args:
        path: the file, for messages.
        entries: what it holds, with places.

    Raises:
        DataError: an entry is not laid out so.
    """
    for place, entry in entries:
        line = checked(_Line, path, place, entry)
        windows = line.pred_relevant_windows
        scored = windows and all(len(window) == 3 for window in windows)
        yield Prediction(
            id=str(line.qid),
            spans=None if windows is None else tuple((window[0], window[1]) for window in windows),
            scores=tuple(window[2] for window in windows) if windows and scored else (),
            response=line.ans,
            submitted=line.ans is not None,
            saliency=line.pred_saliency_scores,
        )
