"""What a question about a video gives back. All times are in seconds, all scores in [0, 1]."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


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
    """A span that may be the moment: start and end in seconds, the grounder's confidence, the verifier's score."""

    start: float
    end: float
    confidence: float
    verified: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answerer's text and, for multiple choice, the letter of the chosen option ("A", "B", …)."""

    text: str
    option: str | None = None


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
    """

    role: str
    prompt: str
    reply: str
    span: tuple[float, float]
    frames: tuple[int, ...]
    grid: tuple[int, int, int]
    score: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything that happened: every call, and the candidates as the grounder gave them (best first)."""

    calls: tuple[RoleCall, ...] = ()
    grounded: tuple[Candidate, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Result:
    """An answer with its evidence. `moment` is None when nothing was grounded; `answer` is None when not asked for."""

    video: VideoInfo
    question: str
    query: str
    plan: Plan
    candidates: tuple[Candidate, ...]
    moment: Candidate | None
    answer: Answer | None
    timings: dict[str, float]
    model: str
    engine: str
    trace: Trace = field(default_factory=Trace)

    @property
    def localized(self) -> bool:
        """Whether the grounder found a moment; if it did not, `moment` is a guess with confidence 0, or None."""
        return self.moment is not None and self.moment.confidence > 0

    @property
    def found(self) -> bool:
        """Whether there is anything to show: a moment that was localised, or an answer that says something."""
        return self.localized or (self.answer is not None and bool(self.answer.text.strip()))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict (seconds to the millisecond; candidates best first), without the trace."""
        data = asdict(self)
        del data["trace"]
        for candidate in [*data["candidates"], *filter(None, [data["moment"]])]:
            candidate.update(start=round(candidate["start"], 3), end=round(candidate["end"], 3))
        return data
