"""Answers and spans of generated questions, checked against the scene by other code than made them."""

from __future__ import annotations

import json
import re
from random import Random

import pytest

from videomind.roles.planner import parse_plan, plan_reply
from videomind.synth.demo import DEMO_QUESTIONS, DEMO_SCENE
from videomind.synth.describe import VERBS
from videomind.synth.questions import Question, absent_query, queries, questions, repeated_queries
from videomind.synth.world import COLOURS, SHAPES, Event, Scene, sample_scene

SCENES = [sample_scene(seed) for seed in range(150)]


def meant(text: str, scene: Scene) -> list[Event]:
    """The events a text can mean, by looking for words."""
    words = text.lower()
    flashes = re.findall(r"flash(?:es|ing) (\w+)", words)
    words = re.sub(r"flash(?:es|ing) \w+", "", words)
    colours = [c for c in COLOURS if re.search(rf"\b{c}\b", words)]
    shapes = [s for s in SHAPES if re.search(rf"\b{s}\b", words)]
    actions = [a for a, forms in VERBS.items() if any(form in words for form in (a, *forms))]
    return [
        e
        for e in scene.events
        if (not colours or colours[0] in (e.colour, e.becomes))
        and (not shapes or e.shape == shapes[0])
        and (not actions or e.action == actions[0])
        and (not flashes or e.flash == flashes[0])
    ]


@pytest.fixture(scope="module")
def asked() -> list[tuple[Scene, Question]]:
    return [(scene, q) for scene in SCENES for q in questions(scene, Random(scene.seed))]


def test_the_same_seed_asks_the_same() -> None:
    assert questions(SCENES[0], Random(1)) == questions(SCENES[0], Random(1))


def test_grounded_questions_mean_one_event(asked: list[tuple[Scene, Question]]) -> None:
    for scene, q in asked:
        if q.query is None:
            continue
        (event,) = meant(q.query, scene)
        assert q.span == event.span
        truth = {
            "colour": event.colour,
            "shape": event.shape,
            "motion": event.action,
            "turn": event.becomes,
            "flash": event.flash,
        }
        assert q.answer == truth.get(q.kind, q.answer)


def test_order_and_number_follow_from_the_scene(asked: list[tuple[Scene, Question]]) -> None:
    for scene, q in asked:
        names = [f"the {e.colour} {e.shape}" for e in sorted(scene.events, key=lambda e: e.start)]
        named = [name for name in re.findall(r"the \w+ \w+", q.text) if name in names]
        match q.kind:
            case "first":
                assert q.answer == names[0]
            case "last":
                assert q.answer == names[-1]
            case "after":
                assert names.count(named[0]) == 1
                assert q.answer == names[names.index(named[0]) + 1]
            case "before":
                assert names.count(named[0]) == 1
                assert q.answer == names[names.index(named[0]) - 1]
            case "order":
                assert names.count(named[0]) == names.count(named[1]) == 1
                before = names.index(named[0]) < names.index(named[1])
                assert (q.answer == "yes") == (before == ("before" in q.text))
            case "exists":
                assert (q.answer == "yes") == bool(meant(q.text, scene))
            case "count":
                words = q.text.replace("crosses", "cross").replace("circles", "circle")
                words = words.replace("squares", "square").replace("triangles", "triangle")
                assert int(q.answer) == len(meant(words, scene))


def test_options_hold_one_right_answer(asked: list[tuple[Scene, Question]]) -> None:
    for _, q in asked:
        if len(q.choices) < 3:
            continue
        choice = q.with_options(Random(0))
        assert len(choice.options) == len(set(choice.options)) == 4
        assert choice.options["ABCD".index(choice.letter)] == q.answer


def test_plans_are_read_as_they_are_meant(asked: list[tuple[Scene, Question]]) -> None:
    for _, q in asked:
        reply = plan_reply(q.query)
        json.loads(reply)
        plan = parse_plan(reply, q.text)
        assert plan.parsed
        assert plan.route == ("answer" if q.query is None else "ground")
        assert plan.query == (q.query or q.text)


def test_queries_mean_their_spans_and_absent_ones_nothing() -> None:
    for scene in SCENES:
        several = repeated_queries(scene, Random(3))
        for query in [*queries(scene, Random(3)), *several]:
            assert query.spans == tuple(event.span for event in meant(query.text, scene))
        assert all(len(query.spans) > 1 for query in several)
        nothing = absent_query(scene, Random(4))
        assert nothing.spans == ()
        assert meant(nothing.text, scene) == []


def test_a_query_means_one_event_unless_that_happens_again() -> None:
    for scene in SCENES:
        for event, query in zip(scene.events, queries(scene, Random(5)), strict=True):
            assert event.span in query.spans
            again = [e for e in scene.events if (e.name, e.action, e.flash) == (event.name, event.action, event.flash)]
            assert len(query.spans) == 1 or len(again) > 1 or event.flash is None


def test_the_demo_questions_fit_the_demo_scene() -> None:
    for question in DEMO_QUESTIONS:
        events = meant(question.text, DEMO_SCENE)
        if question.span is None:
            assert events == []
            continue
        (event,) = events
        assert question.span == event.span
        assert question.answer in (event.colour, event.shape, event.action, event.flash)
        assert not question.options or question.answer in question.options
