"""The steps of a chain in words, one line each: what a chat client shows while the answer is being found."""

from __future__ import annotations

from collections.abc import Sequence

from videomind.events import Grounded, Judged, PlanReady, Verified
from videomind.results import Candidate, Plan, percent
from videomind.serve.desk import Step, Waiting


def reasoning(step: Step) -> str:
    """A line, with its end; "" for what shows otherwise."""
    match step:
        case Waiting(position):
            return f"Waiting: number {position} in line.\n"
        case PlanReady(plan, query):
            return f"Plan: {_plan(plan, query)}.\n"
        case Grounded(candidates):
            return f"Grounding: {_grounded(candidates)}.\n"
        case Verified(candidates):
            return f"Verification: {_verified(candidates)}.\n"
        case Judged(presence, moments):
            return f"Verdict: {_verdict(presence, moments)}.\n"
    return ""


def span_text(candidate: Candidate) -> str:
    """Where it lies, e.g. "5.2 s to 8.1 s"."""
    return f"{candidate.start:.1f} s to {candidate.end:.1f} s"


def _plan(plan: Plan, query: str) -> str:
    looking = f', looking for "{query}"' if "grounder" in plan.roles else ""
    unread = " (the planner's reply was no plan)" if plan.reply and not plan.parsed else ""
    return f"{', then '.join(plan.roles)}{looking}{unread}"


def _grounded(candidates: Sequence[Candidate]) -> str:
    if candidates[0].confidence == 0:
        return "nothing localised, only guesses are left"
    best = f"{span_text(candidates[0])} (confidence {candidates[0].confidence:.2f})"
    return best if len(candidates) == 1 else f"{len(candidates)} candidates, at first {best}"


def _verified(candidates: Sequence[Candidate]) -> str:
    looked_at = sum(candidate.verified is not None for candidate in candidates)
    return f"{looked_at} looked at again, best {span_text(candidates[0])} (score {candidates[0].verified:.2f})"


def _verdict(presence: float, moments: Sequence[Candidate]) -> str:
    where = "in this video" if moments else "not in this video"
    several = f", {len(moments)} moments" if len(moments) > 1 else ""
    return f"{where} (probability {percent(presence)}){several}"
