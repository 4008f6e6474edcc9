"""Records of synthetic scenes, for every role (docs/training-data.md)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from videomind.synth.questions import Query, Question, Span, absent_query, queries, questions, repeated_queries
from videomind.synth.world import Scene
from videomind.training.records import AnsweringRecord, GroundingRecord, PlanningRecord, VerifyingRecord

PER_ROUTE = 4
"""Planning and answering records of each route, at most, of one scene."""
CHOICE_SHARE = 0.5
"""How often a question with wrong answers to choose from is asked as multiple choice."""
SPREADS = (0.05, 0.15, 0.5)
"""By what share of its length the ends of a candidate are off, one of these at a time."""


def grounding_records(scene: Scene, video: str, rng: Random) -> Iterator[GroundingRecord]:
    """Queries as people write them and as planners rephrase questions, for one moment, for several, and for none."""
    asked = [Query(q.query, (q.span,)) for q in questions(scene, rng) if q.query is not None and q.span is not None]
    several = repeated_queries(scene, rng)
    for query in [*queries(scene, rng), *several[:1], *asked[: len(scene.events)], absent_query(scene, rng)]:
        yield GroundingRecord(video=video, duration=_duration(scene), query=query.text, spans=query.spans)


def verifying_records(scene: Scene, video: str, rng: Random) -> Iterator[VerifyingRecord]:
    """Candidates near a true moment, on another moment, and anywhere."""
    asked = [Query(q.text, (q.span,)) for q in questions(scene, rng) if q.query is not None and q.span is not None]
    for query in [*queries(scene, rng), *asked[: len(scene.events)], absent_query(scene, rng)]:
        near = [_moved(scene, span, rng) for span in query.spans[:1]]
        for candidate in [*near, _elsewhere(scene, query, rng)]:
            yield VerifyingRecord(
                video=video, duration=_duration(scene), query=query.text, candidate=candidate, spans=query.spans
            )


def planning_records(scene: Scene, video: str, rng: Random) -> Iterator[PlanningRecord]:
    """As many questions about a moment as about the whole video, as far as there are."""
    for question in _balanced(scene, rng):
        yield PlanningRecord(
            video=video,
            duration=_duration(scene),
            question=question.text,
            route="answer" if question.query is None else "ground",
            query=question.query,
        )


def answering_records(scene: Scene, video: str, rng: Random) -> Iterator[AnsweringRecord]:
    """Open questions and multiple choice, with the moment that shows the answer where there is one."""
    for question in _balanced(scene, rng):
        chosen = question.with_options(rng) if question.choices and rng.random() < CHOICE_SHARE else question
        yield AnsweringRecord(
            video=video,
            duration=_duration(scene),
            question=chosen.text,
            answer=chosen.answer,
            options=chosen.options,
            span=chosen.span,
        )


def _balanced(scene: Scene, rng: Random) -> list[Question]:
    asked = questions(scene, rng)
    return [
        *[q for q in asked if q.query is not None][:PER_ROUTE],
        *[q for q in asked if q.query is None][:PER_ROUTE],
    ]


def _duration(scene: Scene) -> float:
    """Of the file, which holds whole frames."""
    return scene.frames / scene.fps


def _moved(scene: Scene, span: Span, rng: Random) -> Span:
    """The span with both ends moved, at least half a second long."""
    spread = rng.choice(SPREADS) * (span[1] - span[0])
    return _rounded(scene, rng.gauss(span[0], spread), rng.gauss(span[1], spread))


def _elsewhere(scene: Scene, query: Query, rng: Random) -> Span:
    """Another event, about, or any window."""
    others = [event.span for event in scene.events if event.span not in query.spans]
    if others and rng.random() < 0.7:
        return _moved(scene, rng.choice(others), rng)
    start = rng.uniform(0, _duration(scene) - 2)
    return _rounded(scene, start, start + rng.uniform(1.5, 9))


def _rounded(scene: Scene, start: float, end: float) -> Span:
    """Inside the video, at least half a second long, in hundredths of a second."""
    start = min(max(0.0, start), _duration(scene) - 0.5)
    return round(start, 2), round(min(max(start + 0.5, end), _duration(scene)), 2)
