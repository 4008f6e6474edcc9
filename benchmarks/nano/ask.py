"""Everything that is asked about one held-out video, and what came of it, as plain records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from benchmarks.nano.scenes import emptied
from videomind.agent import Agent
from videomind.results import Candidate, Result
from videomind.roles.spans import temporal_iou
from videomind.roles.verifier import best_first
from videomind.synth.questions import (
    OPTIONS,
    Question,
    absent_query,
    absent_question,
    queries,
    questions,
    repeated_queries,
)
from videomind.synth.reader import SceneReader
from videomind.synth.world import Scene

Span = tuple[float, float]
Record = dict[str, Any]
MOMENT_KINDS = ("colour", "shape", "motion", "turn", "flash")
VIDEO_KINDS = ("first", "last", "before", "after", "count")
TOP = 5


def ask_about(agent: Agent, scene: Scene, everything: bool = True) -> Iterator[Record]:
    """One query that happens once and two choices; with `everything` also queries that happen never and repeatedly."""
    reader, rng = SceneReader(scene), Random(scene.seed)
    once = [query for query in queries(scene, rng) if len(query.spans) == 1]
    if once:
        query = rng.choice(once)
        yield _find(agent, reader, "find", query.text, query.spans[0])
    nothing, repeated = absent_query(scene, rng).text, repeated_queries(scene, rng)
    if everything:
        yield _find(agent, reader, "absent", nothing, None)
        yield _ask_nothing(agent, reader, absent_question(scene, Random(scene.seed)))
    if everything and repeated:
        query = Random(scene.seed).choice(repeated)
        yield _find_every(agent, reader, query.text, query.spans)
    asked = [q for q in questions(scene, rng) if len(q.choices) >= OPTIONS - 1]
    for kinds in (MOMENT_KINDS, VIDEO_KINDS):
        present = sorted({q.kind for q in asked if q.kind in kinds})
        if present:
            kind = rng.choice(present)
            question = rng.choice([q for q in asked if q.kind == kind]).with_options(rng)
            yield _choose(agent, reader, question)


def _find(agent: Agent, reader: SceneReader, task: str, text: str, span: Span | None) -> Record:
    result, seconds = _timed(lambda: agent.find(reader, text, top_k=TOP, long="whole"))
    return {"task": task, "text": text, "seconds": seconds, **_evidence(result), **_overlaps(result, span)}


def _find_every(agent: Agent, reader: SceneReader, text: str, spans: tuple[Span, ...]) -> Record:
    result, seconds = _timed(lambda: agent.find(reader, text, every=True, long="whole"))
    return {
        "task": "every",
        "text": text,
        "seconds": seconds,
        "truths": spans,
        "accepted": [_row(c) for c in result.moments],
        "ranked": [_row(c) for c in result.candidates[:10]],
    }


def _ask_nothing(agent: Agent, reader: SceneReader, question: Question) -> Record:
    result, seconds = _timed(lambda: agent.ask(reader, question.text, long="whole"))
    said = result.answer.text if result.answer else ""
    return {"task": "nothing", "text": question.text, "seconds": seconds, "said": said, **_evidence(result)}


def _choose(agent: Agent, reader: SceneReader, question: Question) -> Record:
    options, grounded = question.options, question.query is not None
    chain, seconds = _timed(lambda: agent.ask(reader, question.text, options=options, long="whole"))
    whole, whole_seconds = _timed(lambda: agent.ask(reader, question.text, options=options, roles=["answerer"]))
    blank = SceneReader(emptied(reader.scene))
    blind = agent.ask(blank, question.text, options=options, roles=["answerer"])
    record = {
        "task": "choice",
        "kind": question.kind,
        "text": question.text,
        "right": question.letter,
        "chain": _option(chain),
        "whole": _option(whole),
        "blind": _option(blind),
        "routed": chain.plan.parsed and ("grounder" in chain.plan.roles) == grounded,
        "seconds": seconds,
        "whole_seconds": whole_seconds,
    }
    if grounded:
        raw = agent.ask(reader, question.text, roles=["grounder"], long="whole")
        record |= _overlaps(chain, question.span)
        record["refused"] = chain.absent
        record["raw_first"] = _overlaps(raw, question.span)["first"]
    return record


def _overlaps(result: Result, span: Span | None) -> Record:
    """IoU with the true span of the grounder's first candidate, of the one that the verifier scores best (the published
    order), of the one that the chain ranks first in the end, and of the best among the first five."""
    if span is None:
        return {}
    grounded = [temporal_iou((c.start, c.end), span) for c in result.trace.grounded[:TOP]]
    verified = best_first(result.candidates)
    return {
        "span": span,
        "first": max(grounded[:1], default=0.0),
        "verified": max((temporal_iou((c.start, c.end), span) for c in verified[:1]), default=0.0),
        "final": max((temporal_iou((c.start, c.end), span) for c in result.candidates[:1]), default=0.0),
        "oracle": max(grounded, default=0.0),
    }


def _evidence(result: Result) -> Record:
    """What the rule of what is not there judges by, and its verdict."""
    scores = [c.verified for c in result.candidates if c.verified is not None]
    return {
        "confidence": max((c.confidence for c in result.trace.grounded[:1]), default=0.0),
        "score": max(scores, default=0.5),
        "presence": result.presence,
        "found": result.found,
    }


def _row(candidate: Candidate) -> tuple[float, float, float]:
    return candidate.start, candidate.end, candidate.probability or 0.0


def _option(result: Result) -> str | None:
    return result.answer.option if result.answer else None


def _timed(call: Callable[[], Result]) -> tuple[Result, float]:
    began = time.perf_counter()
    result = call()
    return result, round(time.perf_counter() - began, 4)
