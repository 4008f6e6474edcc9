"""From a record and its opened video to an example: the same frames, words and marks as the chain will use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from videomind.roles.answerer import OPTION_PREFIX, Cue, multiple_choice_text, subtitle_text
from videomind.roles.grounder import clean_query
from videomind.roles.planner import plan_reply
from videomind.roles.spans import clamp_span, widen_span
from videomind.roles.spec import RoleSpec
from videomind.roles.verifier import NO, YES, crop_for, segment_positions
from videomind.training.examples import Example, Span
from videomind.training.records import AnsweringRecord, GroundingRecord, PlanningRecord, Record, VerifyingRecord
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache
from videomind.vision.clip import Clip, load_clip

CACHE_BYTES = 128 * 2**20
"""Frames kept by each process that reads them: small sets come from memory after a while."""


class OutsideError(ValueError):
    """A span begins after the end of its video."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the examples of one role from one open video.

    Attributes:
        role: a key of `RECORDS`.
        spec: the role's prompt, view and shortest span.
        reader: the video.
        jitter: the ends of an answerer's span are moved by up to this share of its length.
        rng: where the jitter comes from.
        cues: the video's subtitles.
        source: see `Example`.
    """

    role: str
    spec: RoleSpec
    reader: VideoReader
    rng: Random
    jitter: float = 0.0
    cues: Sequence[Cue] = ()
    source: str = ""

    def make(self, record: Record) -> Example:
        """The example that a record of this role and video stands for.

        Raises:
            OutsideError: a span of the record begins after the end of the video.
            VideoError: a frame cannot be decoded.
        """
        match record:
            case PlanningRecord():
                return self._plan(record)
            case GroundingRecord():
                return self._ground(record)
            case VerifyingRecord():
                return self._verify(record)
            case AnsweringRecord():
                return self._answer(record)

    def _plan(self, record: PlanningRecord) -> Example:
        text = self.spec.user_text(record.question)
        return Example(self.role, self._clip(None), text, plan_reply(record.query), source=self.source)

    def _ground(self, record: GroundingRecord) -> Example:
        duration = self.reader.duration
        spans = tuple(self._inside(span) for span in record.spans)
        return Example(
            self.role,
            self._clip(None),
            self.spec.user_text(clean_query(record.query)),
            self.spec.reply_prefix,
            spans=tuple((start / duration, end / duration) for start, end in spans),
            source=self.source,
        )

    def _verify(self, record: VerifyingRecord) -> Example:
        crop = crop_for(*self._inside(record.candidate), self.reader.duration, self.spec.min_span)
        clip = self._clip(crop.span)
        return Example(
            self.role,
            clip,
            self.spec.user_text(record.query),
            YES if record.is_shown else NO,
            segment=segment_positions(crop.start, crop.end, clip.num_pairs),
            source=self.source,
        )

    def _answer(self, record: AnsweringRecord) -> Example:
        duration = self.reader.duration
        seen = (0.0, duration) if record.span is None else self._jittered(self._inside(record.span))
        span = widen_span(*seen, duration, self.spec.min_span)
        text, prefix, reply = record.question, "", record.answer
        if record.options:
            text, prefix = multiple_choice_text(record.question, record.options), OPTION_PREFIX
            reply = f"{chr(ord('A') + record.options.index(record.answer))}) {record.answer.capitalize()}"
        text = self.spec.user_text(text)
        if self.cues:
            text = subtitle_text(self.cues, *span) + text
        return Example(self.role, self._clip(span), text, reply, prefix, source=self.source)

    def _clip(self, span: Span | None) -> Clip:
        return load_clip(self.reader, self.spec.view, span, _frame_cache())

    def _inside(self, span: Span) -> Span:
        """The part of the span within the video."""
        if span[0] >= self.reader.duration:
            raise OutsideError(f"it begins at {span[0]:g} s, but the video ends at {self.reader.duration:g} s")
        return clamp_span(*span, self.reader.duration)

    def _jittered(self, span: Span) -> Span:
        reach = self.jitter * (span[1] - span[0])
        start, end = (time + self.rng.uniform(-reach, reach) for time in span)
        return clamp_span(start, end, self.reader.duration)


@cache
def _frame_cache() -> FrameCache:
    """One per process."""
    return FrameCache(CACHE_BYTES)
