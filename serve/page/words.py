"""How the page says times, plans and numbers. Plain text: the browser shows it as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from videomind.results import Candidate, Plan, Result, percent
from videomind.roles.answerer import NOT_IN_VIDEO

NOTHING_FOUND = "Nothing found."
ROLE_STEPS = {"planner": "Plan", "grounder": "Find", "verifier": "Verify", "answerer": "Answer"}


def clock(seconds: float) -> str:
    """To a tenth of a second: "0:14.0", from an hour on "1:02:03.4"."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 10:02}.{rest % 10}"
    return f"{hours}:{minutes:02}:{tail}" if hours else f"{minutes}:{tail}"


def span_text(start: float, end: float) -> str:
    """Seconds as "0:14.0 – 0:18.7"."""
    return f"{clock(start)} – {clock(end)}"


def plan_text(plan: Plan, query: str) -> str:
    """The roles in order, and what is looked for."""
    looking = f"\nLooking for “{query}”" if "grounder" in plan.roles else ""
    unread = " (the planner's reply was no plan)" if plan.reply and not plan.parsed else ""
    return f"{' → '.join(plan.roles)}{unread}{looking}"


def grounded_text(candidates: Sequence[Candidate]) -> str:
    """What the grounder gave, best first."""
    if not candidates or candidates[0].confidence == 0:
        return "Nothing localised: only guesses are left"
    return "\n".join(f"{span_text(c.start, c.end)}   {c.confidence:.2f}" for c in candidates)


def verified_text(candidates: Sequence[Candidate]) -> str:
    """What the verifier looked at again, best first."""
    return "\n".join(f"{span_text(c.start, c.end)}   {c.verified:.2f}" for c in candidates if c.verified is not None)


def answer_text(result: Result, options: Sequence[str]) -> str:
    """What stands in the conversation in the end: the answer, and where it is to be seen."""
    return "\n".join(line for line in (_said(result, options), _where(result)) if line)


def summary_text(result: Result) -> str:
    """One line on how the answer came about: steps, seconds, what need not be computed again."""
    steps = sum(step in result.timings for step in ROLE_STEPS)
    parts = [f"{steps} step{'s' * (steps != 1)}", f"{result.timings.get('total', 0.0):.1f} s", *_reused(result.reuse)]
    return " · ".join(parts)


def absent_text(result: Result) -> str:
    """Why nothing of the film is marked; "" where something is."""
    if result.absent and result.presence is not None:
        return f"Not in this video: {percent(result.presence)} likely. These candidates came nearest."
    if result.candidates and not result.localized:
        return "Nothing was localised. These are guesses."
    return ""


def _said(result: Result, options: Sequence[str]) -> str:
    answer = result.answer
    if answer is not None and answer.option is not None and options:
        return f"{answer.option}: {options[ord(answer.option) - ord('A')]}"
    if answer is not None and answer.text.strip() and (result.found or result.absent):
        return answer.text.strip()
    if result.absent:
        return NOT_IN_VIDEO
    return "" if result.found else NOTHING_FOUND


def _where(result: Result) -> str:
    if not result.localized:
        return ""
    moments = sorted(result.moments, key=lambda moment: moment.start)
    return "\n".join(
        span_text(m.start, m.end) + ("" if m.probability is None else f" · {percent(m.probability)} likely")
        for m in moments
    )


def _reused(reuse: Mapping[str, int]) -> list[str]:
    tokens, views = reuse["cached_tokens"], reuse["visual_calls_saved"]
    every = reuse["visual_calls"] + views
    return [
        *([f"{views} of {every} views reused"] if views else []),
        *([f"{percent(tokens / reuse['prompt_tokens'])} of the tokens reused"] if tokens else []),
    ]
