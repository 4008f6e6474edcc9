"""Long videos: many scenes one after the other, so that each query is true of one event of one scene, or of none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from random import Random

from videomind.synth.describe import Description
from videomind.synth.questions import wording
from videomind.synth.world import ACTIONS, COLOURS, SHAPES, Scene, World, sample_scene

NAMED_ALONE = 0.25
"""Share of queries that say colour and shape only; the others say what the thing does too."""
SCENES_OF_A_SEED = 1_000_000


@dataclass(frozen=True, slots=True)
class ReelQuery:
    """A query about a reel.

    Attributes:
        text: what is looked for.
        span: when it happens in the reel, in seconds; None = never.
        scene: the number of the scene in which it happens, or None.
    """

    text: str
    span: tuple[float, float] | None
    scene: int | None


@dataclass(frozen=True, slots=True)
class Reel:
    """Scenes that are shown one after the other, and what is asked about them."""

    scenes: tuple[Scene, ...]
    queries: tuple[ReelQuery, ...]

    @property
    def starts(self) -> tuple[float, ...]:
        """When each scene begins, in seconds."""
        return _starts(self.scenes)

    @property
    def duration(self) -> float:
        """Seconds."""
        return sum(scene.frames / scene.fps for scene in self.scenes)


def compose(seed: int, seconds: float, there: int, absent: int, world: World | None = None) -> Reel:
    """A reel of at least `seconds`, with `there` queries whose moments lie all over it, and `absent` for nothing.

    Args:
        seed: of the scenes and queries; another seed shares no scene.
        seconds: how long.
        there: queries that are true of exactly one event.
        absent: queries that are true of none, though parts of them are.
        world: how the scenes are.
    """
    rng, number = Random(f"reel {seed}"), seed * SCENES_OF_A_SEED
    asked: list[tuple[Scene, Description]] = []
    wanted: list[Description] = []
    while len(asked) < there:
        scene, number = sample_scene(number, world), number + 1
        found = _described(scene, rng)
        if found.is_unique(scene) and _avoids(scene, wanted) and all(_avoids(s, [found]) for s, _ in asked):
            asked.append((scene, found))
            wanted.append(found)
    while len(wanted) < there + absent:
        nothing = Description(rng.choice(list(COLOURS)), rng.choice(SHAPES), _deed(rng))
        if nothing not in wanted and all(_avoids(scene, [nothing]) for scene, _ in asked):
            wanted.append(nothing)
    others: list[Scene] = []
    length = sum(scene.duration for scene, _ in asked)
    while length < seconds:
        scene, number = sample_scene(number, world), number + 1
        if _avoids(scene, wanted):
            others.append(scene)
            length += scene.duration
    return _mixed(asked, wanted[there:], others, rng)


def _mixed(asked: list[tuple[Scene, Description]], absent: list[Description], others: list[Scene], rng: Random) -> Reel:
    """The scenes asked about, each somewhere in its own equal part of the reel."""
    total = len(asked) + len(others)
    bounds = [round(i * total / max(len(asked), 1)) for i in range(len(asked) + 1)]
    places = [rng.randrange(low, high) for low, high in pairwise(bounds)]
    scenes: list[Scene] = list(others)
    for place, (scene, _) in zip(places, asked, strict=True):
        scenes.insert(place, scene)
    starts = _starts(scenes)
    queries = [
        ReelQuery(wording(rng, found), _shifted(found.within(scene)[0].span, starts[place]), place)
        for place, (scene, found) in zip(places, asked, strict=True)
    ]
    return Reel(tuple(scenes), (*queries, *(ReelQuery(wording(rng, nothing), None, None) for nothing in absent)))


def _described(scene: Scene, rng: Random) -> Description:
    event = rng.choice(scene.events)
    return Description(event.colour, event.shape, None if rng.random() < NAMED_ALONE else event.action)


def _deed(rng: Random) -> str | None:
    return None if rng.random() < NAMED_ALONE else rng.choice(ACTIONS)


def _avoids(scene: Scene, wanted: Sequence[Description]) -> bool:
    return not any(description.matches(event) for description in wanted for event in scene.events)


def _starts(scenes: Sequence[Scene]) -> tuple[float, ...]:
    return (0.0, *accumulate(scene.frames / scene.fps for scene in scenes[:-1]))


def _shifted(span: tuple[float, float], by: float) -> tuple[float, float]:
    return span[0] + by, span[1] + by
