"""The held-out scenes: never trained on, and never used to fit anything."""

from __future__ import annotations

from dataclasses import replace

from videomind.synth.world import OTHER_STYLE, Scene, World, sample_scene
from videomind.training.nano.recipe import EVALUATION_SEEDS

WORLDS = {"held-out": World(), "other style": OTHER_STYLE}


def scene_of(world: str, run: int, index: int) -> Scene:
    """Scene number `index` of one of the evaluation's runs (seeds 0, 1, 2, …)."""
    first = EVALUATION_SEEDS + 10_000_000 * list(WORLDS).index(world) + 1_000_000 * run
    return sample_scene(first + index, WORLDS[world])


def emptied(scene: Scene) -> Scene:
    """The scene's background alone: what is left for an answerer that may only read."""
    return replace(scene, events=())
