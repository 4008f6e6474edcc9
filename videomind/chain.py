"""One question, from plan to answer (VideoMind, arXiv 2503.13444, sec. 3): the order of the roles.

A run yields events, and the calls of roles that it cannot go on without; it holds no engine. Whoever drives it
(`videomind.driving`) has an engine make the calls, for one run alone or for many at once.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from videomind.engines.base import STANDARD, Choice, Grounding, Reply, RoleRequest, Service
from videomind.events import AnswerToken, Done, Event, Grounded, Judged, PlanReady, Verified
from videomind.metrics import count_calls
from videomind.results import STANDARD_PROTOCOL, Answer, Candidate, Plan, Protocol, Result, RoleCall, Trace, Usage
from videomind.roles import answerer, grounder, planner, verifier
from videomind.roles.calibration import Calibration
from videomind.roles.judge import Verdict, judge
from videomind.roles.spans import widen_span
from videomind.roles.spec import RoleSpec
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache
from videomind.vision.clip import Clip, Span, load_clips
from videomind.vision.subtitles import Cue

CHOICES = (verifier.YES, verifier.NO)


class Call(NamedTuple):
    """Requests of one role that a chain waits for.

    The role says what is wanted: the planner and the answerer reply, the grounder localises, the verifier chooses
    between `CHOICES`. The answerer's reply may be streamed.
    """

    role: str
    requests: tuple[RoleRequest, ...]


class Outcome(NamedTuple):
    """What came of a call: for each request a `Reply`, `Grounding` or `Choice`; and the seconds it took."""

    values: Sequence[Any]
    seconds: float


Steps = Generator[Event | Call, Outcome, None]
"""A chain on its way: gives events, and calls that have to be answered with their outcome; the last is `Done`."""
Waiting = Generator[Call, Outcome, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of one video.

    Attributes:
        question: the question, or for grounding alone the query.
        options: texts of a multiple choice, or none.
        cues: subtitles of the video.
        roles: the roles that may be called.
        every: look for every moment that matches, not for the best alone.
        compat: follow the published code also where it slips, and where it finds something in any video.
        service: how its requests are served among others.
        protocol: what a benchmark fixes about how it is asked.
    """

    question: str
    options: tuple[str, ...] = ()
    cues: tuple[Cue, ...] = ()
    roles: frozenset[str] = frozenset()
    every: bool = False
    compat: bool = False
    service: Service = STANDARD
    protocol: Protocol = STANDARD_PROTOCOL


@dataclass
class Chain:
    """One run of one task. `run` may be called once."""

    specs: Mapping[str, RoleSpec]
    reader: VideoReader
    frames: FrameCache
    task: Task
    model: str
    engine: str
    calibration: Calibration | None = None
    _calls: list[RoleCall] = field(default_factory=list)
    _timings: dict[str, float] = field(default_factory=dict)

    def run(self) -> Steps:
        """Events in the order they happen, between them calls."""
        began = time.perf_counter()
        plan, query = yield from self._plan()
        yield PlanReady(plan, query)

        grounded: tuple[Candidate, ...] = ()
        if "grounder" in plan.roles:
            query = grounder.clean_query(query)
            grounded = yield from self._ground(query)
            yield Grounded(grounded)
        verifies = "verifier" in plan.roles and len(grounded) > 1
        scored = (yield from self._verify(grounded)) if verifies else grounded
        verdict = judge(scored, None if self.task.compat else self.calibration, self.task.every)
        if verifies:
            yield Verified(verdict.candidates)
        if verdict.presence is not None:
            yield Judged(verdict.presence, verdict.moments)

        answer = None
        if "answerer" in plan.roles:
            answer = yield from self._answer_unless_absent(verdict)
        self._timings["total"] = time.perf_counter() - began
        yield Done(
            Result(
                video=self.reader.info,
                question=self.task.question,
                query=query,
                plan=plan,
                candidates=verdict.candidates,
                moments=verdict.moments,
                answer=answer,
                timings={name: round(seconds, 6) for name, seconds in self._timings.items()},
                model=self.model,
                engine=self.engine,
                presence=verdict.presence,
                trace=Trace(tuple(self._calls), grounded),
            )
        )

    def _plan(self) -> Generator[Call, Outcome, tuple[Plan, str]]:
        """The roles that will be called, and the query to ground (rephrased also where nobody answers)."""
        on, question = self.task.roles, self.task.question
        if not {"planner", "grounder"} <= on:
            unplanned = planner.GROUND_ROLES if "grounder" in on else planner.ANSWER_ROLES
            return Plan(tuple(role for role in unplanned if role in on), reply="", parsed=False), question
        views: list[tuple[RoleSpec, Span | None]] = [
            (self.specs["planner"], None),
            (self.specs["grounder"], None),
        ]
        clip = self._load(views)[0]
        request = self._request("planner", clip, self.specs["planner"].user_text(question))
        reply: Reply
        (reply,) = yield from self._call([request])
        self._record([request], [reply.text], [reply.usage])
        decided = planner.parse_plan(reply.text, question)
        wanted = (
            decided.roles if "answerer" in on else planner.GROUND_ROLES
        )  # with nobody to answer, what is left is to find
        return Plan(tuple(role for role in wanted if role in on), reply.text, decided.parsed), decided.query

    def _ground(self, query: str) -> Generator[Call, Outcome, tuple[Candidate, ...]]:
        spec, duration = self.specs["grounder"], self.reader.duration
        (clip,) = self._load([(spec, None)])
        request = self._request("grounder", clip, spec.user_text(query), reply_prefix=spec.reply_prefix)
        grounding: Grounding
        (grounding,) = yield from self._call([request])
        self._record([request], [grounding.reply], [grounding.usage])
        if grounding.spans is not None:
            rows = grounding.spans.tolist()
            unit, compat = self.task.protocol.unit, self.task.compat
            candidates = grounder.spans_from_decoder(rows, duration, unit, compat)
            if candidates:
                return candidates
        return grounder.fallback_candidates(duration, verifier_follows="verifier" in self.task.roles)

    def _verify(self, candidates: tuple[Candidate, ...]) -> Generator[Call, Outcome, tuple[Candidate, ...]]:
        """The candidates as they were, the top ones with their scores."""
        most = verifier.MAX_OF_EVERY if self.task.every else verifier.MAX_CANDIDATES
        spec, top = self.specs["verifier"], candidates[:most]
        duration, text = self.reader.duration, spec.user_text(self.task.question)
        crops = [verifier.crop_for(c.start, c.end, duration, spec.min_span) for c in top]
        clips = self._load([(spec, crop.span) for crop in crops])
        requests = [
            self._request(
                "verifier",
                clip,
                text,
                segment=verifier.segment_positions(crop.start, crop.end, clip.num_pairs),
            )
            for crop, clip in zip(crops, clips, strict=True)
        ]
        judged: Sequence[Choice] = yield from self._call(requests)
        scores = [verifier.score(*choice.probabilities) for choice in judged]
        self._record(requests, [""] * len(requests), [choice.usage for choice in judged], scores)
        scored = (replace(c, verified=score) for c, score in zip(top, scores, strict=True))
        return (*scored, *candidates[len(top) :])

    def _answer_unless_absent(self, verdict: Verdict) -> Generator[Event | Call, Outcome, Answer]:
        """The answer; about what is not there, only a multiple choice, which is a forced one, is still answered."""
        if verdict.absent and not self.task.options:
            yield AnswerToken(answerer.NOT_IN_VIDEO)
            return Answer(answerer.NOT_IN_VIDEO)
        nearest = verdict.moments or verdict.candidates
        return (yield from self._answer(nearest[0] if nearest else None))

    def _answer(self, moment: Candidate | None) -> Generator[Call, Outcome, Answer]:
        spec, task, duration = self.specs["answerer"], self.task, self.reader.duration
        whole = (0.0, duration)
        shortest = spec.min_span if task.protocol.min_crop is None else task.protocol.min_crop
        start, end = widen_span(*(whole if moment is None else (moment.start, moment.end)), duration, shortest)
        text = spec.user_text(
            answerer.multiple_choice_text(task.question, task.options) if task.options else task.question
        )
        if task.cues:
            text = answerer.subtitle_text(task.cues, start, end) + text
        (clip,) = self._load([(spec, (start, end))])
        prefix = answerer.OPTION_PREFIX if task.options else ""
        request = self._request("answerer", clip, text, reply_prefix=prefix)
        reply: Reply
        (reply,) = yield from self._call([request])
        self._record([request], [reply.text], [reply.usage])
        option = answerer.parse_option(reply.text, task.options, task.compat) if task.options else None
        return Answer(answerer.answer_text(reply.text), option)

    def _call(self, requests: Sequence[RoleRequest]) -> Waiting:
        """Waits for requests of one role, and gives what came of each."""
        role = requests[0].role
        outcome = yield Call(role, tuple(requests))
        self._timings[role] = self._timings.get(role, 0.0) + outcome.seconds
        return outcome.values

    def _request(
        self,
        role: str,
        clip: Clip,
        text: str,
        *,
        reply_prefix: str = "",
        segment: tuple[int, int] | None = None,
    ) -> RoleRequest:
        return RoleRequest(role, clip, text, reply_prefix, segment, self.specs[role].max_new_tokens, self.task.service)

    def _load(self, views: Sequence[tuple[RoleSpec, Span | None]]) -> list[Clip]:
        with self._timed("decode"):
            return load_clips(self.reader, [(spec.view, span) for spec, span in views], self.frames)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._timings[what] = self._timings.get(what, 0.0) + time.perf_counter() - began

    def _record(
        self,
        requests: Sequence[RoleRequest],
        replies: Sequence[str],
        usages: Sequence[Usage],
        scores: Sequence[float | None] = (None,),
    ) -> None:
        """Note the calls of one batch, which ends just now, in the trace and in the process's counters."""
        seconds = self._timings[requests[0].role] / len(requests)
        calls = [
            RoleCall(
                role=request.role,
                prompt=request.text,
                reply=reply,
                span=request.clip.span,
                frames=request.clip.indices,
                grid=request.clip.grid,
                score=score,
                seconds=round(seconds, 6),
                usage=usage,
            )
            for request, reply, usage, score in zip(requests, replies, usages, scores, strict=True)
        ]
        self._calls += calls
        count_calls(calls)
