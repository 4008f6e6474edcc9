"""Which parts of synthetic videos the roles are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from videomind.roles.spans import widen_span
from videomind.roles.spec import RoleSpec
from videomind.roles.verifier import crop_for
from videomind.synth.world import Scene, World, sample_scene
from videomind.training.nano.features import Clip
from videomind.training.nano.views import Span


def whole_clips(world: World, seeds: range) -> Iterator[Clip]:
    """Every video whole, as planner, grounder and answerer see it."""
    for seed in seeds:
        scene = sample_scene(seed, world)
        yield Clip(seed, (0.0, scene.duration), (0.0, scene.duration))


def moment_clips(world: World, seeds: range, answerer: RoleSpec) -> Iterator[Clip]:
    """One event of every video, not quite exactly found, as the answerer sees it."""
    for seed in seeds:
        scene, rng = sample_scene(seed, world), Random(seed)
        event = rng.choice(scene.events)
        found = _shifted(rng, scene, event.span, 0.12)
        yield Clip(seed, widen_span(*found, scene.duration, answerer.min_span), event.span)


def candidate_clips(world: World, seeds: range, verifier: RoleSpec) -> Iterator[Clip]:
    """A candidate from every video, good, half right or wrong, in the crop that the verifier sees."""
    for seed in seeds:
        scene, rng = sample_scene(seed, world), Random(seed)
        if rng.random() < 0.75:
            found = _shifted(rng, scene, rng.choice(scene.events).span, rng.choice((0.05, 0.15, 0.5)))
        else:
            length = rng.uniform(1.5, 9.0)
            start = rng.uniform(0.0, scene.duration - length)
            found = (start, start + length)
        yield Clip(seed, crop_for(*found, scene.duration, verifier.min_span).span, found)


def _shifted(rng: Random, scene: Scene, span: Span, spread: float) -> Span:
    """The span with both ends moved by about `spread` of its length, at least half a second long."""
    length = span[1] - span[0]
    start = min(max(0.0, rng.gauss(span[0], spread * length)), scene.duration - 0.5)
    return start, min(max(start + 0.5, rng.gauss(span[1], spread * length)), scene.duration)
