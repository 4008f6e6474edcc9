"""One finished sample of a run, as a report looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from videomind.roles.spans import temporal_iou

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of `predictions.jsonl`.

    Attributes:
        id: of the sample.
        video: path of its file, relative to the folder of the videos.
        question: the question.
        options: texts of a multiple choice.
        truth: true moments in seconds.
        answer: letter of the right option, if known.
        duration: seconds of the video, if known.
        best: the first of the predicted moments, if any.
        unverified: the grounder's first, where a verifier was at work after it.
        confidence: the chance that `best` is right: calibrated where the model is, else the grounder's confidence.
        calibrated: whether `confidence` is calibrated.
        option: letter of the chosen option.
        reply: what was answered.
        prompt_tokens: of all calls.
        cached_tokens: as many of them as were there already.
        views: calls that saw frames.
        views_saved: as many of them as needed no run of the visual tower.
        error: why it failed, if it did.
    """

    id: str
    video: str
    question: str
    options: tuple[str, ...] = ()
    truth: tuple[Span, ...] = ()
    answer: str | None = None
    duration: float | None = None
    best: Span | None = None
    unverified: Span | None = None
    confidence: float | None = None
    calibrated: bool = False
    option: str | None = None
    reply: str | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    views: int = 0
    views_saved: int = 0
    error: str | None = None

    @property
    def iou(self) -> float | None:
        """IoU of the first prediction with the true moment it meets best; None where there is no true moment."""
        return self._iou(self.best)

    @property
    def iou_unverified(self) -> float | None:
        """The same before verification; None where nothing was verified."""
        return None if self.unverified is None else self._iou(self.unverified)

    @property
    def right(self) -> bool | None:
        """Whether the right option was chosen; None where there is none to choose."""
        return None if self.answer is None else self.option == self.answer

    def _iou(self, span: Span | None) -> float | None:
        if not self.truth:
            return None
        if span is None or span[1] < span[0]:
            return 0.0
        return max(temporal_iou(span, one) for one in self.truth)


def row_of(line: Mapping[str, Any]) -> Row:
    """What a line of `predictions.jsonl` says.

    Raises:
        LookupError, TypeError, ValueError: it is malformed.
    """
    result: Mapping[str, Any] = line.get("result") or {}
    candidates: Sequence[Mapping[str, Any]] = result.get("candidates") or []
    grounded: Sequence[Mapping[str, Any]] = (line.get("trace") or {}).get("grounded") or []
    best = candidates[0] if candidates else None
    verified = best is not None and any(one.get("verified") is not None for one in candidates)
    answer, reuse = result.get("answer") or {}, result.get("reuse") or {}
    probability = None if best is None else best.get("probability")
    return Row(
        id=str(line["id"]),
        video=str(line["video"]),
        question=str(line["question"]),
        options=tuple(str(one) for one in line.get("options") or ()),
        truth=tuple((float(start), float(end)) for start, end in line.get("spans") or ()),
        answer=_text(line.get("answer")),
        duration=None if line.get("duration") is None else float(line["duration"]),
        best=None if best is None else _span(best),
        unverified=_span(grounded[0]) if verified and grounded else None,
        confidence=None if best is None else float(best["confidence"] if probability is None else probability),
        calibrated=probability is not None,
        option=_text(answer.get("option")),
        reply=_text(answer.get("text")),
        prompt_tokens=int(reuse.get("prompt_tokens", 0)),
        cached_tokens=int(reuse.get("cached_tokens", 0)),
        views=int(reuse.get("visual_calls", 0)) + int(reuse.get("visual_calls_saved", 0)),
        views_saved=int(reuse.get("visual_calls_saved", 0)),
        error=_text(line.get("error")),
    )


def _span(candidate: Mapping[str, Any]) -> Span:
    return float(candidate["start"]), float(candidate["end"])


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
