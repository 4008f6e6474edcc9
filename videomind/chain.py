"""One question, from plan to answer (VideoMind, arXiv 2503.13444, sec. 3): the order of the roles.

A run yields events, and the calls of roles that it cannot go on without; it holds no engine. Whoever drives it
(`videomind.driving`) has an engine make the calls, for one run alone or for many at once.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from videomind.calls import Call, Calls, Outcome
from videomind.engines.base import Choice, Reply
from videomind.events import AnswerToken, Done, Event, Grounded, Judged, PlanReady, Verified
from videomind.grounding import ground, mode_of
from videomind.results import Answer, Candidate, Plan, Result, Trace
from videomind.roles import answerer, grounder, planner, verifier
from videomind.roles.calibration import Calibration
from videomind.roles.judge import Verdict, judge
from videomind.roles.long import Mode, views_worth
from videomind.roles.spans import widen_span
from videomind.roles.spec import RoleSpec
from videomind.task import Task
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache
from videomind.vision.clip import Span

Steps = Generator[Event | Call, Outcome, None]
"""A chain on its way: gives events, and calls that have to be answered with their outcome; the last is `Done`."""


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
    _calls: Calls = field(init=False)

    def __post_init__(self) -> None:
        self._calls = Calls(self.specs, self.reader, self.frames, self.task)

    def run(self) -> Steps:
        """Events in the order they happen, between them calls."""
        began = time.perf_counter()
        mode = mode_of(self._calls) if "grounder" in self.task.roles else "whole"
        plan, query = yield from self._plan(mode)
        yield PlanReady(plan, query)

        grounded: tuple[Candidate, ...] = ()
        if "grounder" in plan.roles:
            query = grounder.clean_query(query)
            grounded = yield from ground(self._calls, query, mode)
            yield Grounded(grounded)
        verifies = "verifier" in plan.roles and len(grounded) > 1
        scored = (yield from self._verify(grounded)) if verifies else grounded
        verdict = judge(scored, self._rules(mode), self.task.every)
        if verifies:
            yield Verified(verdict.candidates)
        if verdict.presence is not None:
            yield Judged(verdict.presence, verdict.moments)

        answer = None
        if "answerer" in plan.roles:
            answer = yield from self._answer_unless_absent(verdict)
        timings = self._calls.timings | {"total": time.perf_counter() - began}
        yield Done(
            Result(
                video=self.reader.info,
                question=self.task.question,
                query=query,
                plan=plan,
                candidates=verdict.candidates,
                moments=verdict.moments,
                answer=answer,
                timings={name: round(seconds, 6) for name, seconds in timings.items()},
                model=self.model,
                engine=self.engine,
                presence=verdict.presence,
                trace=Trace(tuple(self._calls.noted), grounded),
            )
        )

    def _rules(self, mode: Mode) -> Calibration | None:
        """The model's calibration for as many views as the grounder was given to look for the moment in."""
        rules = None if self.task.compat else self.calibration
        if rules is None or mode == "whole":
            return rules
        return rules.over(views_worth(self.reader.duration, self.specs["grounder"].view))

    def _plan(self, mode: Mode) -> Generator[Call, Outcome, tuple[Plan, str]]:
        """The roles that will be called, and the query to ground (rephrased also where nobody answers)."""
        on, question = self.task.roles, self.task.question
        if not {"planner", "grounder"} <= on:
            unplanned = planner.GROUND_ROLES if "grounder" in on else planner.ANSWER_ROLES
            return Plan(tuple(role for role in unplanned if role in on), reply="", parsed=False), question
        views: list[tuple[RoleSpec, Span | None]] = [(self.specs["planner"], None)]
        if mode == "whole":
            views.append((self.specs["grounder"], None))
        clip = self._calls.load(views)[0]
        request = self._calls.request("planner", clip, self.specs["planner"].user_text(question))
        reply: Reply
        (reply,) = yield from self._calls.make([request])
        self._calls.note([request], [reply.text], [reply.usage])
        decided = planner.parse_plan(reply.text, question)
        wanted = (
            decided.roles if "answerer" in on else planner.GROUND_ROLES
        )  # with nobody to answer, what is left is to find
        return Plan(tuple(role for role in wanted if role in on), reply.text, decided.parsed), decided.query

    def _verify(self, candidates: tuple[Candidate, ...]) -> Generator[Call, Outcome, tuple[Candidate, ...]]:
        """The candidates as they were, the top ones with their scores."""
        most = verifier.MAX_OF_EVERY if self.task.every else verifier.MAX_CANDIDATES
        spec, top = self.specs["verifier"], candidates[:most]
        duration, text = self.reader.duration, spec.user_text(self.task.question)
        crops = [verifier.crop_for(c.start, c.end, duration, spec.min_span) for c in top]
        clips = self._calls.load([(spec, crop.span) for crop in crops])
        requests = [
            self._calls.request(
                "verifier",
                clip,
                text,
                segment=verifier.segment_positions(crop.start, crop.end, clip.num_pairs),
            )
            for crop, clip in zip(crops, clips, strict=True)
        ]
        judged: Sequence[Choice] = yield from self._calls.make(requests)
        scores = [verifier.score(*choice.probabilities) for choice in judged]
        self._calls.note(requests, [""] * len(requests), [choice.usage for choice in judged], scores)
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
        (clip,) = self._calls.load([(spec, (start, end))])
        prefix = answerer.OPTION_PREFIX if task.options else ""
        request = self._calls.request("answerer", clip, text, reply_prefix=prefix)
        reply: Reply
        (reply,) = yield from self._calls.make([request])
        self._calls.note([request], [reply.text], [reply.usage])
        option = answerer.parse_option(reply.text, task.options, task.compat) if task.options else None
        return Answer(answerer.answer_text(reply.text), option)
