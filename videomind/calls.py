"""The calls of roles that a chain waits for: made ready from views of one video, answered by an engine, and noted."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from videomind.engines.base import RoleRequest
from videomind.metrics import count_calls
from videomind.results import RoleCall, Usage
from videomind.roles import verifier
from videomind.roles.spec import RoleSpec
from videomind.task import Task
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache
from videomind.vision.clip import Clip, Span, load_clips

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


Waiting = Generator[Call, Outcome, Any]
"""Gives calls, and goes on with the outcome of each."""


@dataclass
class Calls:
    """The calls about one question, and what is noted of them.

    Attributes:
        specs: the model's roles.
        reader: the video.
        frames: frames at hand.
        task: what is asked.
        noted: every call that was made, in order.
        timings: seconds of decoding and of each role so far.
    """

    specs: Mapping[str, RoleSpec]
    reader: VideoReader
    frames: FrameCache
    task: Task
    noted: list[RoleCall] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    _seconds: float = 0.0

    def make(self, requests: Sequence[RoleRequest]) -> Waiting:
        """Waits for requests of one role, and gives what came of each."""
        role = requests[0].role
        outcome = yield Call(role, tuple(requests))
        self._seconds = outcome.seconds
        self.timings[role] = self.timings.get(role, 0.0) + outcome.seconds
        return outcome.values

    def request(
        self,
        role: str,
        clip: Clip,
        text: str,
        *,
        reply_prefix: str = "",
        segment: tuple[int, int] | None = None,
    ) -> RoleRequest:
        """A request as all of this task are made."""
        return RoleRequest(role, clip, text, reply_prefix, segment, self.specs[role].max_new_tokens, self.task.service)

    def load(self, views: Sequence[tuple[RoleSpec, Span | None]]) -> list[Clip]:
        """What roles see of the whole video, or of spans (seconds) of it."""
        with self.timed("decode"):
            return load_clips(self.reader, [(spec.view, span) for spec, span in views], self.frames)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Counts the time of what is done within."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timings[what] = self.timings.get(what, 0.0) + time.perf_counter() - began

    def note(
        self,
        requests: Sequence[RoleRequest],
        replies: Sequence[str],
        usages: Sequence[Usage],
        scores: Sequence[float | None] | None = None,
    ) -> None:
        """Notes the calls made last, for the trace and in the process's counters."""
        calls = [
            RoleCall(
                role=request.role,
                prompt=request.text,
                reply=reply,
                span=request.clip.span,
                frames=request.clip.indices,
                grid=request.clip.grid,
                score=score,
                seconds=round(self._seconds / len(requests), 6),
                usage=usage,
            )
            for request, reply, usage, score in zip(
                requests, replies, usages, scores or [None] * len(requests), strict=True
            )
        ]
        self.noted += calls
        count_calls(calls)
