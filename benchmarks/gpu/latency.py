"""One question from plan to answer, and a second role on a view that a first one has seen, against their floors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from benchmarks.gpu import asked
from benchmarks.gpu.floor import Peak, chain_tflop, text_bytes, text_flop, tower_flop
from benchmarks.gpu.sizes import Size
from videomind.chain import Chain, Task
from videomind.driving import drive
from videomind.engines.base import Engine, Grounding, RoleRequest
from videomind.events import Done
from videomind.lora_switch.bundle import Bundle
from videomind.results import Result
from videomind.vision.array_backend import ArrayReader
from videomind.vision.cache import FrameCache
from videomind.vision.clip import Clip, load_clip

FRAMES_KEPT = 1 << 30
WARM_UP = 1_000_000
"""Seed of a video that is asked about before anything is timed."""


class Took(NamedTuple):
    """One thing that was timed.

    Attributes:
        what: which.
        seconds: wall clock.
        engine_s: of these, inside the engine.
        tflop: the arithmetic of its prefills.
        steps: tokens decoded one after another.
        prompt, cached: tokens of its prompts, and as many of them whose KV was at hand.
        encoded: runs of the visual tower.
    """

    what: str
    seconds: float
    engine_s: float
    tflop: float
    steps: int
    prompt: int
    cached: int
    encoded: int


def runs(engine: Engine, bundle: Bundle, size: Size, repeat: int) -> Iterator[Took]:
    """Everything `repeat` times, after a first time that does not count."""
    for turn in range(1 + repeat):
        taken = [*_questions(engine, bundle, size, turn or WARM_UP), *_second_role(engine, bundle, size, turn)]
        if turn:
            yield from taken


def summary(taken: Sequence[Took], size: Size, peak: Peak) -> Iterator[dict[str, Any]]:
    """A result line for each thing that was timed, with what it costs at least."""
    for what in dict.fromkeys(one.what for one in taken):
        same = [one for one in taken if one.what == what]
        yield {
            "size": size.name,
            "dtype": size.dtype,
            "what": what,
            "seconds": [round(one.seconds, 4) for one in same],
            "engine_s": [round(one.engine_s, 4) for one in same],
            "tflop": same[-1].tflop,
            "floor_s": same[-1].tflop / peak.tflops,
            "steps": same[-1].steps,
            "steps_floor_s": same[-1].steps * text_bytes(size) / 1e12 / peak.tbytes,
            "prompt_tokens": same[-1].prompt,
            "cached_tokens": same[-1].cached,
            "encoded": same[-1].encoded,
            "peak": peak._asdict(),
        }


def _questions(engine: Engine, bundle: Bundle, size: Size, seed: int) -> Iterator[Took]:
    """The first and the second question about a video."""
    reader, frames = asked.video(size, seed), FrameCache(FRAMES_KEPT)
    engine.forget()
    for what in ("first question", "second question"):
        yield _question(engine, bundle, size, reader, frames, what)


def _question(engine: Engine, bundle: Bundle, size: Size, reader: ArrayReader, frames: FrameCache, what: str) -> Took:
    task = Task(asked.question(size.vocabulary, what), roles=frozenset(bundle.roles))
    specs = {name: role.spec for name, role in bundle.roles.items()}
    began = time.perf_counter()
    events = list(drive(Chain(specs, reader, frames, task, bundle.manifest.name, engine.name).run(), engine))
    seconds = time.perf_counter() - began
    assert isinstance(events[-1], Done)
    return _took(what, seconds, events[-1].result, size)


def _took(what: str, seconds: float, result: Result, size: Size) -> Took:
    calls = result.trace.calls
    assert [call.role for call in calls].count("verifier") > 1, "the grounder found nothing to verify"
    return Took(
        what,
        seconds,
        sum(result.timings[role] for role in {call.role for call in calls}),
        chain_tflop(size, calls),
        size.replies * sum(call.role in ("planner", "answerer") for call in calls),
        sum(call.usage.prompt_tokens for call in calls),
        sum(call.usage.cached_tokens for call in calls),
        sum(call.usage.encoded for call in calls),
    )


def _second_role(engine: Engine, bundle: Bundle, size: Size, seed: int) -> Iterator[Took]:
    """The grounder on the shared view: with nothing at hand, and after the planner has looked at it."""
    clip = load_clip(asked.video(size, seed, side=size.side // 2), size.shared_view)
    planner = asked.request(bundle, size, "planner", clip, str(seed))
    grounder = asked.request(bundle, size, "grounder", clip, str(seed))
    grounder = replace(grounder, reply_prefix=bundle.roles["grounder"].spec.reply_prefix)
    engine.forget()
    yield _grounded(engine, grounder, clip, size, "grounder alone")
    engine.forget()
    engine.generate([replace(planner, max_new_tokens=1)])
    yield _grounded(engine, grounder, clip, size, "grounder after planner")


def _grounded(engine: Engine, request: RoleRequest, clip: Clip, size: Size, what: str) -> Took:
    began = time.perf_counter()
    (found,) = engine.ground([request])
    seconds = time.perf_counter() - began
    assert isinstance(found, Grounding)
    assert found.spans is not None, "the grounder did not say its draft"
    usage = found.usage
    flop = text_flop(size, usage.prompt_tokens, usage.cached_tokens)
    flop += tower_flop(size, clip.grid) if usage.encoded else 0.0
    tokens = (usage.prompt_tokens, usage.cached_tokens)
    return Took(what, seconds, seconds, flop / 1e12, 0, *tokens, int(usage.encoded))
