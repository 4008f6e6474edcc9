"""What a benchmark asks and knows (`Sample`), and what a system said about it (`Prediction`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Span = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One question of a benchmark.

    Attributes:
        id: unique in its task; the benchmark's own where it has one.
        video: names of its file, the likeliest first: relative to the folder of the videos, or without suffix.
        question: the question; where there is nothing to answer, the text to ground.
        options: texts of a multiple choice as the benchmark writes them, A first; () = nothing to answer.
        answer: letter of the right option; None where it is not known (or is none of the options).
        spans: true moments in seconds as annotated, also beyond the annotated duration; () where not known.
        absent: known not to happen in the video at all.
        duration: length of the video in seconds, as annotated.
        groups: (kind, label) pairs that results are also given for, e.g. ("task", "CW"), ("duration", "long").
            The kind "task" is what the published evaluation calls a task; a sample may have several of a kind.
        subtitles: name of its subtitle file, relative to the folder of the subtitles.
        part: start and end (seconds) of what counts as the video in a longer file; None = the whole file.
        notes: further annotations that an official metric needs, under the benchmark's own names.
    """

    id: str
    video: tuple[str, ...]
    question: str
    options: tuple[str, ...] = ()
    answer: str | None = None
    spans: tuple[Span, ...] = ()
    absent: bool = False
    duration: float | None = None
    groups: tuple[tuple[str, str], ...] = ()
    subtitles: str | None = None
    part: Span | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def labels(self, kind: str) -> tuple[str, ...]:
        """Its labels of one kind."""
        return tuple(label for of, label in self.groups if of == kind)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system said about a sample.

    Attributes:
        id: of the sample.
        spans: predicted moments in seconds as listed, best first, reversed or empty ones too; None = did not localise.
        scores: one per span, in the same order (any scale; used only to sort).
        unverified: the spans before verification; None where nothing was verified.
        response: reply to the question; None = was not asked.
        saliency: a score per clip of the video (QVHighlights), or None.
        absent: whether it said that this is not in the video; None = it cannot say so.
        failed: an error kept it from being asked to the end; spans and response are then not used.
        truth: the sample as the predictions' own file tells it, where that is so (published output files).
        submitted: the response is an answer as it was submitted to a benchmark, not a reply that one is read from.
    """

    id: str
    spans: tuple[Span, ...] | None = None
    scores: tuple[float, ...] = ()
    unverified: tuple[Span, ...] | None = None
    response: str | None = None
    saliency: tuple[float, ...] | None = None
    absent: bool | None = None
    failed: bool = False
    truth: Sample | None = None
    submitted: bool = False
