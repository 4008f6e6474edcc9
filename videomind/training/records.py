"""The records that roles are trained on: one JSON object a line, one class per role (docs/training-data.md)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from videomind.annotations.fields import Duration, Options, RelativePath, Span, Spans, Text
from videomind.roles.spans import temporal_iou

GOOD_IOU = 0.5
"""A candidate that overlaps a true span this much deserves a "Yes" (VideoMind, arXiv 2503.13444, sec. 3.3)."""


class _Record(BaseModel):
    """What all records have.

    Attributes:
        video: path of the video, relative to the file of the records or to the folder given for videos.
        duration: length of the video in seconds, where known; the file itself has the last word.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    video: RelativePath
    duration: Duration | None = None


class GroundingRecord(_Record):
    """For the grounder: where in the video the query happens, in seconds; no span = it never happens."""

    query: Text
    spans: Spans


class VerifyingRecord(_Record):
    """For the verifier: whether the candidate (seconds) shows the query.

    Either the label is given, or the true spans, of which one must overlap the candidate by `GOOD_IOU`.
    """

    query: Text
    candidate: Span
    label: bool | None = None
    spans: Spans | None = None

    @model_validator(mode="after")
    def _decided(self) -> Self:
        if (self.label is None) == (self.spans is None):
            raise ValueError('give either "label" or "spans"')
        return self

    @property
    def is_shown(self) -> bool:
        """The label, given or found by overlap."""
        if self.spans is None:
            return bool(self.label)
        return overlaps(self.candidate, self.spans)


class PlanningRecord(_Record):
    """For the planner: whether to ground first, and with which words, or to answer from the whole video."""

    question: Text
    route: Literal["ground", "answer"]
    query: Text | None = None

    @model_validator(mode="after")
    def _says_what_to_ground(self) -> Self:
        if (self.route == "ground") != (self.query is not None):
            raise ValueError('route "ground" comes with a "query", route "answer" with none')
        return self


class AnsweringRecord(_Record):
    """For the answerer and for the backbone itself.

    Attributes:
        answer: one of the options, where there are any.
        options: the options of a multiple-choice question, A first; () = an open question.
        span: where the answer is to be seen, in seconds; None = in the whole video.
        subtitles: path of a subtitle file, relative like `video`.
    """

    question: Text
    answer: Text
    options: Options = ()
    span: Span | None = None
    subtitles: RelativePath | None = None

    @model_validator(mode="after")
    def _answer_is_an_option(self) -> Self:
        if self.options and self.answer not in self.options:
            raise ValueError(f"the answer {self.answer[:60]!r} is none of the options")
        return self


Record = GroundingRecord | VerifyingRecord | PlanningRecord | AnsweringRecord

RECORDS: dict[str, type[Record]] = {
    "planner": PlanningRecord,
    "grounder": GroundingRecord,
    "verifier": VerifyingRecord,
    "answerer": AnsweringRecord,
    "base": AnsweringRecord,
}
"""Which records a role is trained on; "base" is the backbone without adapters."""


def overlaps(
    candidate: tuple[float, float], spans: tuple[tuple[float, float], ...], threshold: float = GOOD_IOU
) -> bool:
    """Whether a candidate has a temporal IoU of at least `threshold` with any of the spans (all in seconds)."""
    return any(temporal_iou(candidate, span) >= threshold for span in spans)
