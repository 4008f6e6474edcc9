"""What is counted: every call of a role, and how every question ended."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import pytest
from prometheus_client import REGISTRY

from tests.cli.test_show import RESULT
from videomind.agent import Agent
from videomind.asking import Question
from videomind.cancellable import Cancel
from videomind.errors import Cancelled, VideoError
from videomind.events import Done, Event, PlanReady
from videomind.metrics import count_calls, count_question
from videomind.results import Answer, Result, RoleCall, Usage

OUTCOMES = ("answered", "not_found", "failed", "cancelled")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"videomind_{name}", labels) or 0.0


class Growth:
    """By how much a sample has grown."""

    def __init__(self, *samples: tuple[str, str, str]) -> None:
        self._before = {sample: self._now(sample) for sample in samples}

    def __call__(self) -> list[float]:
        return [self._now(sample) - before for sample, before in self._before.items()]

    @staticmethod
    def _now(sample: tuple[str, str, str]) -> float:
        name, label, text = sample
        return value(name, **{label: text})


def outcomes() -> Growth:
    return Growth(*(("questions_total", "outcome", outcome) for outcome in OUTCOMES))


def test_a_call_is_counted_with_what_it_cost_and_reused() -> None:
    names = (
        "role_calls_total", "role_seconds_count", "role_seconds_sum", "prompt_tokens_total", "cached_tokens_total",
        "views_total", "views_encoded_total", "kv_bytes_sum", "kv_bytes_count",
    )  # fmt: skip
    grown = Growth(*((name, "role", "planner") for name in names))
    call = RoleCall("planner", "", "", (0.0, 1.0), (), (1, 2, 2), seconds=0.25)
    count_calls([replace(call, usage=Usage(400, 96, True, 2048)), replace(call, usage=Usage(12, 0, False, 0))])
    assert grown() == pytest.approx([2, 2, 0.5, 412, 96, 2, 1, 2048, 1])


def test_a_chain_counts_every_role_it_called(tiny_agent: Agent, frames: np.ndarray) -> None:
    grown = Growth(*(("role_calls_total", "role", role) for role in ("planner", "grounder", "verifier", "answerer")))
    result = tiny_agent.ask(frames, "What happens?")
    roles = [call.role for call in result.trace.calls]
    assert grown() == [roles.count(role) for role in ("planner", "grounder", "verifier", "answerer")] == [1, 1, 5, 1]


def test_questions_are_counted_by_how_they_end(tiny_agent: Agent, frames: np.ndarray) -> None:
    grown = outcomes()
    assert tiny_agent.ask(frames, "What happens?").found
    assert grown() == [1, 0, 0, 0]
    assert not tiny_agent.find(frames, "something").found
    assert grown() == [1, 1, 0, 0]
    with pytest.raises(VideoError):
        tiny_agent.ask("/no/such/file.mp4", "What happens?")
    assert grown() == [1, 1, 1, 0]


def test_a_moment_that_was_found_is_an_answer() -> None:
    grown = outcomes()
    list(count_question(_done(replace(RESULT, answer=None))))
    assert grown() == [1, 0, 0, 0]
    list(count_question(_done(replace(RESULT, moments=(), answer=Answer("")))))
    assert grown() == [1, 1, 0, 0]


def test_what_is_given_up_was_cancelled(tiny_agent: Agent, frames: np.ndarray) -> None:
    grown, cancel = outcomes(), Cancel()
    events = tiny_agent.stream(frames, "What happens?", cancel=cancel)
    next(events)
    cancel.set()
    with pytest.raises(Cancelled):
        list(events)
    abandoned = tiny_agent.stream(frames, "What happens?")
    next(abandoned)
    del abandoned
    assert grown() == [0, 0, 0, 2]


def test_questions_asked_together_are_counted_each(tiny_agent: Agent, frames: np.ndarray) -> None:
    grown, finders = outcomes(), frozenset({"grounder", "verifier"})
    asked = [(frames, Question("What happens?")), (frames, Question(" ")), (frames, Question("it", roles=finders))]
    list(tiny_agent.ask_many(asked))
    assert grown() == [1, 1, 1, 0]
    given_up = tiny_agent.ask_many(asked, at_once=2)
    next(given_up)
    del given_up
    assert grown() == [1, 1, 2, 1]


def test_a_question_that_was_never_begun_does_not_count(tiny_agent: Agent, frames: np.ndarray) -> None:
    grown = outcomes()
    tiny_agent.stream(frames, "What happens?")
    assert grown() == [0, 0, 0, 0]


def _done(result: Result) -> Generator[Event, None, None]:
    yield Done(result)


def test_giving_up_ends_the_work_at_once() -> None:
    ended = []

    def work() -> Generator[Event, None, None]:
        try:
            yield PlanReady(RESULT.plan, "")
            yield Done(RESULT)
        finally:
            ended.append(True)

    held = work()
    events = count_question(held)
    next(events)
    events.close()
    assert ended == [True]
