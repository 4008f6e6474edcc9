"""What a question about a video gives back. All times are in seconds, all scores in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a benchmark fixes about how it is asked (published evaluation: `UNIT`, `MIN_LEN`).

    Attributes:
        unit: seconds; candidates are rounded to multiples of it.
        min_crop: seconds; what the answerer looks at is at least this long. None = as its role says.
    """

    unit: float = 0.001
    min_crop: float | None = None


STANDARD_PROTOCOL = Protocol()


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video as shown to the viewer: duration in seconds, frames per second, size in pixels after rotation."""

    path: str
    duration: float
    fps: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The planner's decision: the roles to call in order, its raw reply, and whether the reply could be parsed."""

    roles: tuple[str, ...]
    reply: str
    parsed: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may be the moment: start and end in seconds, the grounder's confidence, the verifier's score.

    `probability` is the calibrated chance that it really is one (IoU of at least 0.5 with a true moment); of several
    that mean the same moment the first has that of the most probable. None where the model has no calibration, or where
    a verifier was at work but did not look at this candidate.
    """

    start: float
    end: float
    confidence: float
    verified: float | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answerer's text and, for multiple choice, the letter of the chosen option ("A", "B", …)."""

    text: str
    option: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call of a role cost, and what it reused.

    Attributes:
        prompt_tokens: tokens of its prompt, video tokens and reply prefix included.
        cached_tokens: as many of them whose KV was there already.
        encoded: whether the visual tower ran for its view.
        kv_bytes: bytes of KV cache that its tokens occupy; 0 where the engine keeps none.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    encoded: bool = False
    kv_bytes: int = 0

    def again(self) -> Usage:
        """Of a request that was made a second time at once: everything was there."""
        return replace(self, cached_tokens=self.prompt_tokens, encoded=False)

    def __add__(self, other: Usage) -> Usage:
        """Of two requests made for one call, one after the other."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.encoded or other.encoded,
            max(self.kv_bytes, other.kv_bytes),
        )


@dataclass(frozen=True, slots=True)
class RoleCall:
    """One call of one role: what it saw, what it was told, what it said, how long it took.

    Attributes:
        role: "planner", "grounder", "verifier" or "answerer".
        prompt: the user text given to the role (the video is before it).
        reply: the generated text ("" where the role only scores).
        span: the part of the video it saw, in seconds.
        frames: indices of the frames it saw.
        grid: (T, h, w) of its visual patches: frame pairs, patch rows, patch columns.
        score: the verifier's score, else None.
        seconds: time of the engine call (shared evenly by the calls of one batch).
        usage: what it cost, and what it reused.
    """

    role: str
    prompt: str
    reply: str
    span: tuple[float, float]
    frames: tuple[int, ...]
    grid: tuple[int, int, int]
    score: float | None = None
    seconds: float = 0.0
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that happened: every call, and the candidates as the grounder gave them (best first)."""

    calls: tuple[RoleCall, ...] = ()
    grounded: tuple[Candidate, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict; the candidates' seconds to the millisecond, as those of the result."""
        calls = tuple(fields_of(call) | {"usage": fields_of(call.usage)} for call in self.calls)
        return {"calls": calls, "grounded": candidates_to_json(self.grounded)}


@dataclass(frozen=True, slots=True)
class Result:
    """An answer with its evidence.

    Attributes:
        candidates: every span that was considered, best first.
        moments: the spans that were accepted, best first: one, or several where every moment was asked for; none where
            nothing was grounded, or the described thing is not in the video.
        answer: None when not asked for.
        presence: the calibrated probability that the described thing is in the video at all; None where nothing was
            grounded or the model has no calibration.
    """

    video: VideoInfo
    question: str
    query: str
    plan: Plan
    candidates: tuple[Candidate, ...]
    moments: tuple[Candidate, ...]
    answer: Answer | None
    timings: dict[str, float]
    model: str
    engine: str
    presence: float | None = None
    trace: Trace = field(default_factory=Trace)

    @property
    def moment(self) -> Candidate | None:
        """The best of the moments."""
        return self.moments[0] if self.moments else None

    @property
    def localized(self) -> bool:
        """Whether the grounder found a moment; if it did not, `moment` is a guess with confidence 0, or None."""
        return self.moment is not None and self.moment.confidence > 0

    @property
    def absent(self) -> bool:
        """Whether the model's calibrated rule says that the described thing is not in this video."""
        return self.presence is not None and not self.moments

    @property
    def found(self) -> bool:
        """Whether there is anything to show: a moment that was localised, or an answer that says something.

        About what is absent only the choice of an option says something.
        """
        if self.localized or self.answer is None:
            return self.localized
        return self.answer.option is not None or (bool(self.answer.text.strip()) and not self.absent)

    @property
    def reuse(self) -> dict[str, int]:
        """Over all calls: tokens of the prompts and how many were cached; runs of the visual tower, and saved ones."""
        usages = [call.usage for call in self.trace.calls]
        encoded = sum(usage.encoded for usage in usages)
        return {
            "prompt_tokens": sum(usage.prompt_tokens for usage in usages),
            "cached_tokens": sum(usage.cached_tokens for usage in usages),
            "visual_calls": encoded,
            "visual_calls_saved": len(usages) - encoded,
            "kv_bytes": sum(usage.kv_bytes for usage in usages),
        }

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict (seconds to the millisecond; candidates and moments best first), without the trace."""
        data = fields_of(self)
        del data["trace"]
        moments = candidates_to_json(self.moments)
        return data | {
            "video": fields_of(self.video),
            "plan": fields_of(self.plan),
            "candidates": candidates_to_json(self.candidates),
            "moments": moments,
            "answer": None if self.answer is None else fields_of(self.answer),
            "timings": dict(self.timings),
            "moment": next(iter(moments), None),
            "reuse": self.reuse,
        }


def candidates_to_json(candidates: Sequence[Candidate]) -> tuple[dict[str, Any], ...]:
    """Seconds to the millisecond, which is what they are meant as; as float32 they are not quite."""
    return tuple(fields_of(one) | {"start": round(one.start, 3), "end": round(one.end, 3)} for one in candidates)


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a slotted dataclass, nothing copied: `dataclasses.asdict` takes five times as long."""
    return {name: getattr(value, name) for name in value.__slots__}


def percent(probability: float) -> str:
    """A probability for people: "4 %". What is not certain never reads as if it were: "< 1 %", "> 99 %"."""
    if 0 < probability < 0.01:
        return "< 1 %"
    if 0.99 < probability < 1:
        return "> 99 %"
    return f"{100 * probability:.0f} %"
