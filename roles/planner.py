"""The planner's reply: a JSON list of roles. The first decides whether to ground, and with which query."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

GROUND_ROLES = ("grounder", "verifier", "answerer")
ANSWER_ROLES = ("answerer",)


@dataclass(frozen=True, slots=True)
class PlanReply:
    """What to do next.

    Attributes:
        route: "ground" (find the moment first) or "answer" (from the whole video).
        query: what to ground: the planner's rephrased query, else the question.
        roles: the roles this route calls, in order. The route alone decides them, as in the published system:
            the further elements of the plan are not followed.
        parsed: whether the reply decided. If not, the question itself is grounded.
    """

    route: Literal["ground", "answer"]
    query: str
    roles: tuple[str, ...]
    parsed: bool


def parse_plan(reply: str, question: str) -> PlanReply:
    """Reads the planner's reply as the published system does (VideoMind, arXiv 2503.13444, sec. 3.1).

    A first element of type "grounder" with a `value` grounds that value; of type "answerer" skips grounding.
    Any other reply, JSON or not, grounds the question.

    Args:
        reply: the generated text, e.g. `[{"type": "grounder", "value": "a dog runs"}, {"type": "verifier"}]`.
        question: the user's question.
    """
    try:
        plan = json.loads(reply)
        first = plan if isinstance(plan, dict) else plan[0]
        role = first["type"].lower()
        if role == "grounder" and _is_query(first["value"]):
            return PlanReply("ground", first["value"], GROUND_ROLES, parsed=True)
        if role == "answerer":
            return PlanReply("answer", question, ANSWER_ROLES, parsed=True)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass
    return PlanReply("ground", question, GROUND_ROLES, parsed=False)


def _is_query(value: object) -> bool:
    """Whether it is text; half a surrogate pair (JSON escapes can hold one) raises ValueError."""
    return isinstance(value, str) and bool(value.encode())


def plan_reply(query: str | None) -> str:
    """The reply that `parse_plan` reads so: ground this query first, or (None) answer from the whole video."""
    if query is None:
        return json.dumps([{"type": role} for role in ANSWER_ROLES])
    first, *then = GROUND_ROLES
    return json.dumps([{"type": first, "value": query}, *({"type": role} for role in then)], ensure_ascii=False)
