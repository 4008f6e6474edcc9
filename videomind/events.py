"""What happens while a question is answered, in order. The command line and the pages are fed from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from videomind.results import Candidate, Plan, Result


@dataclass(frozen=True, slots=True)
class PlanReady:
    """The plan stands; `query` is what will be grounded."""

    plan: Plan
    query: str


@dataclass(frozen=True, slots=True)
class Grounded:
    """Candidate moments as the grounder gave them, best first."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """The candidates after verification, best first: those verified, then the others."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the model's calibrated rule says; not sent by a model without calibration.

    Attributes:
        presence: probability that the described thing is in the video at all.
        moments: the accepted candidates, best first; none = it is not in this video.
    """

    presence: float
    moments: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """Everything is there."""

    result: Result


Event = PlanReady | Grounded | Verified | Judged | AnswerToken | Done


def result_of(events: Iterable[object]) -> Result:
    """The result at the end of a chain's events."""
    return next(event.result for event in events if isinstance(event, Done))


async def aresult_of(events: AsyncIterator[object]) -> Result:
    """`result_of`, awaitable."""
    async for event in events:
        if isinstance(event, Done):
            return event.result
    raise AssertionError("a chain ends with Done")
