"""A result in OpenAI's terms: what the assistant says, and what it used."""

from __future__ import annotations

import json
from collections.abc import Sequence

from videomind.events import PlanReady
from videomind.results import Candidate, Result
from videomind.roles.answerer import NOT_IN_VIDEO
from videomind.serve.api.chat_response import PromptDetails, TokenUsage
from videomind.serve.api.reasoning import span_text

NOTHING_FOUND = "Nothing found."


def content_of(result: Result) -> str:
    """The answer; where nobody was asked for one, the times of what was looked for."""
    if result.answer is not None and (result.found or result.absent):
        return result.answer.text
    if result.absent:
        return NOT_IN_VIDEO
    return _where(result.moments) if result.found else NOTHING_FOUND


def plan_content(event: PlanReady) -> str:
    """A plan as JSON text."""
    plan = {"roles": event.plan.roles, "query": event.query, "parsed": event.plan.parsed}
    return json.dumps(plan, ensure_ascii=False)


def usage_of(result: Result, pieces: int) -> TokenUsage:
    """Tokens of all calls of the chain.

    Args:
        result: with its trace.
        pieces: in how many the answer came; that is about one per token.
    """
    prompt, cached = result.reuse["prompt_tokens"], result.reuse["cached_tokens"]
    return TokenUsage(
        prompt_tokens=prompt,
        completion_tokens=pieces,
        total_tokens=prompt + pieces,
        prompt_tokens_details=PromptDetails(cached_tokens=cached),
    )


def _where(moments: Sequence[Candidate]) -> str:
    if len(moments) == 1:
        return f"From {span_text(moments[0])}."
    in_time = sorted(moments, key=lambda moment: moment.start)
    return "\n".join(f"{number}. From {span_text(moment)}." for number, moment in enumerate(in_time, 1))
