"""Candidates for a query: from one view of the whole video, from windows of it, or by its key frames first."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, nullcontext

from videomind.calls import Call, Calls, Outcome
from videomind.engines.base import Grounding
from videomind.results import Candidate
from videomind.roles import grounder
from videomind.roles.long import SHOWN, Mode, choose_mode, even_frames, scan_frames
from videomind.roles.windows import Window, cut, found_in, merge, promising
from videomind.vision.base import VideoReader
from videomind.vision.clip import Clip
from videomind.vision.windows import in_groups, load_groups

CLOSER = 32
"""Windows that are looked at after the key frames."""

Found = Generator[Call, Outcome, tuple[Candidate, ...]]
"""Gives calls of the grounder, and in the end candidates, most confident first."""


def mode_of(calls: Calls) -> Mode:
    """How the grounder looks at this video."""
    reader, view = calls.reader, calls.specs["grounder"].view
    return choose_mode(calls.task.long, reader.duration, view, _key_frames(reader), reader.fps)


def ground(calls: Calls, query: str, mode: Mode) -> Found:
    """Candidates for a query; where nothing is localised, those that stand for everything (`fallback_candidates`)."""
    found = yield from _whole(calls, query) if mode == "whole" else _windows(calls, query, scan=mode == "scan")
    follows = "verifier" in calls.task.roles
    return found or grounder.fallback_candidates(calls.reader.duration, verifier_follows=follows)


def _whole(calls: Calls, query: str) -> Found:
    """As published: one view."""
    clips = calls.load([(calls.specs["grounder"], None)])
    (grounding,) = yield from _localise(calls, query, clips)
    rows = [] if grounding.spans is None else grounding.spans.tolist()
    task = calls.task
    return grounder.spans_from_decoder(rows, calls.reader.duration, task.protocol.unit, task.compat)


def _windows(calls: Calls, query: str, scan: bool) -> Found:
    """All windows, or those few which the key frames say may hold it."""
    reader, view = calls.reader, calls.specs["grounder"].view
    windows = cut(even_frames(reader.num_frames, reader.fps, view.fps), reader.fps, view.max_frames)
    if scan:
        glimpsed = yield from glimpse(calls, query)
        windows = promising(glimpsed, windows, CLOSER)
    return (yield from _look(calls, query, reader, windows))


def glimpse(calls: Calls, query: str) -> Found:
    """Candidates by key frames alone, of the whole video: good enough to know where to look closer."""
    reader, view = calls.reader, calls.specs["grounder"].view
    keys = _key_frames(reader)
    seen = scan_frames(reader.num_frames, reader.fps, view, keys)
    stretches = cut(seen, reader.fps, view.max_frames // SHOWN)
    with nullcontext(reader) if keys is None else reader.by_key_frames() as by_keys:
        return (yield from _look(calls, query, by_keys, stretches, SHOWN))


def _key_frames(reader: VideoReader) -> list[int] | None:
    return None if reader.key_frames is None else reader.key_frames.tolist()


def _look(calls: Calls, query: str, reader: VideoReader, windows: Sequence[Window], shown: int = 1) -> Found:
    """The candidates of all windows. Only two groups of windows are held at a time, however many there are."""
    view = calls.specs["grounder"].view
    groups = in_groups(windows, reader, view, shown)
    best: tuple[Candidate, ...] = ()
    with closing(load_groups(reader, view, groups, calls.frames, shown)) as loaded:
        for group in groups:
            with calls.timed("decode"):
                clips = next(loaded)
            groundings = yield from _localise(calls, query, clips)
            more: list[Candidate] = []
            for window, grounding in zip(group, groundings, strict=True):
                rows = [] if grounding.spans is None else grounding.spans.tolist()
                more += found_in(window, rows, calls.task.protocol.unit)
            best = merge(best, more)
    return best


def _localise(calls: Calls, query: str, clips: Sequence[Clip]) -> Generator[Call, Outcome, Sequence[Grounding]]:
    spec = calls.specs["grounder"]
    text = spec.user_text(query)
    requests = [calls.request("grounder", clip, text, reply_prefix=spec.reply_prefix) for clip in clips]
    groundings: Sequence[Grounding] = yield from calls.make(requests)
    calls.note(requests, [one.reply for one in groundings], [one.usage for one in groundings])
    return groundings
