"""The planner's first element decides; whatever cannot be read grounds the question."""

import json
from typing import Any

import pytest

from videomind.roles.planner import PlanReply, parse_plan

QUESTION = "What did the dog do after it barked?"


def published_query(reply: str, question: str) -> str | None:
    """The rule as published: the query to ground, or None to answer from the whole video."""
    try:
        parsed = json.loads(reply)
        first: Any = [parsed][0] if isinstance(parsed, dict) else parsed[0]
        if first["type"].lower() == "grounder" and first["value"]:
            return str(first["value"])
        if first["type"].lower() == "answerer":
            return None
    except Exception:
        pass
    return question


def test_a_grounder_with_a_value_grounds_the_rephrased_query() -> None:
    reply = '[{"type": "grounder", "value": "a dog barks"}, {"type": "verifier"}, {"type": "answerer"}]'
    assert parse_plan(reply, QUESTION) == PlanReply(
        "ground", "a dog barks", ("grounder", "verifier", "answerer"), parsed=True
    )


def test_an_answerer_first_skips_grounding() -> None:
    plan = parse_plan('[{"type": "answerer"}]', QUESTION)
    assert plan == PlanReply("answer", QUESTION, ("answerer",), parsed=True)


@pytest.mark.parametrize("role", ["grounder", "Grounder", "GROUNDER"])
def test_a_lone_object_and_any_case_are_fine(role: str) -> None:
    assert parse_plan(json.dumps({"type": role, "value": "x"}), QUESTION).query == "x"


def test_only_the_first_element_counts() -> None:
    late_grounder = ', {"type": "grounder", "value": "x"}]'
    assert parse_plan('[{"type": "answerer"}' + late_grounder, QUESTION).route == "answer"
    assert parse_plan('[{"type": "verifier"}' + late_grounder, QUESTION).query == QUESTION


BROKEN = [
    "",
    "ground it",
    "[]",
    "{}",
    "null",
    "3",
    '"grounder"',
    '["grounder"]',
    '[{"type": "grounder"}]',
    '[{"type": "grounder", "value": ""}]',
    '[{"type": "grounder", "value": null}]',
    '[{"type": "grounder", "value": ["a", "b"]}]',
    '[{"type": "grounder", "value": 7}]',
    '[{"type": "grounder", "value": "half a pair \\ud800"}]',
    '[{"type": 3, "value": "x"}]',
    '[{"value": "x"}]',
    '[{"type": "verifier"}]',
    '```json\n[{"type": "answerer"}]\n```',
    '[{"type": "grounder", "value": "a',
    "[" * 100_000,
    '[{"type": "grounder", "value": "the {"type": "the rolls"}, {"type": "answerer"}]',
]


@pytest.mark.parametrize("reply", BROKEN, ids=lambda reply: reply[:40])
def test_what_cannot_be_read_grounds_the_question(reply: str) -> None:
    plan = parse_plan(reply, QUESTION)
    assert plan == PlanReply("ground", QUESTION, ("grounder", "verifier", "answerer"), parsed=False)


@pytest.mark.parametrize(
    "reply",
    [
        '[{"type": "grounder", "value": " "}]',
        '[{"type": "grounder", "value": "a"}] ',
        '{"type": "answerer", "value": "a"}',
        '[{"type": "answer"}]',
        '[{"type": "Answerer"}, 3]',
        '[[{"type": "answerer"}]]',
        '[{"type": "grounder", "value": "a", "value": ""}]',
        '{"0": {"type": "answerer"}}',
        *(reply for reply in BROKEN if '": [' not in reply and ": 7" not in reply and "ud800" not in reply),
    ],
    ids=lambda reply: reply[:40],
)
def test_it_decides_as_the_published_rule(reply: str) -> None:
    plan = parse_plan(reply, QUESTION)
    assert (plan.query if plan.route == "ground" else None) == published_query(reply, QUESTION)
