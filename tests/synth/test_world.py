"""Scenes: the same seed gives the same scene, and every scene keeps the rules of its world."""

from __future__ import annotations

from itertools import pairwise

import pytest

from videomind.synth.world import FLASH, FLASHING, MOVES, OTHER_STYLE, World, sample_scene

SEEDS = range(300)


def test_a_seed_is_a_scene() -> None:
    assert sample_scene(7) == sample_scene(7)
    assert sample_scene(7) != sample_scene(8)


@pytest.mark.parametrize("world", [World(), World(overlap=0.9, events=(4, 5)), OTHER_STYLE])
def test_events_lie_in_the_video_at_most_two_at_once(world: World) -> None:
    for seed in SEEDS:
        scene = sample_scene(seed, world)
        assert world.duration[0] <= scene.duration <= world.duration[1]
        assert 2 <= len(scene.events) <= world.events[1]
        for event in scene.events:
            assert 0 < event.start < event.end <= scene.duration
            assert event.end - event.start >= world.length[0] - 0.11
        for early, late in pairwise(scene.events):
            assert late.start - early.start >= 0.95
        for index, event in enumerate(scene.events):
            assert all(later.start >= event.end for later in scene.events[index + 2 :])


def test_things_at_once_keep_apart() -> None:
    """Two things that are there at once never touch: they keep to opposite halves of the frame."""
    world = World(overlap=0.9)
    for seed in SEEDS:
        for early, late in pairwise(sample_scene(seed, world).events):
            if late.start >= early.end:
                continue
            places = [[(p[axis], p[axis + 2]) for p in (early.path, late.path)] for axis in (0, 1)]
            apart = [min(abs(a - b) for a in first for b in second) for first, second in places]
            assert max(apart) > 0.4


def test_a_thing_comes_again_only_as_itself_and_never_beside_itself() -> None:
    again = 0
    for seed in SEEDS:
        events = sample_scene(seed).events
        for index, event in enumerate(events):
            for other in events[index + 1 :]:
                alike = {(c, event.shape) for c in (event.colour, event.becomes)}
                if alike & {(c, other.shape) for c in (other.colour, other.becomes)}:
                    assert event.name == other.name
                    assert other.start >= event.end
                    again += event.action == other.action
    assert again > len(SEEDS) / 10


def test_a_flash_is_another_colour_inside_its_event() -> None:
    flashes = [e for seed in SEEDS for e in sample_scene(seed).events if e.flash is not None]
    assert len(flashes) > len(SEEDS)
    for event in flashes:
        assert event.flash != event.colour
        assert event.action in FLASHING
        assert event.start < event.flash_at < event.flash_at + FLASH < event.end


def test_things_move_the_way_they_are_said_to() -> None:
    for seed in SEEDS:
        for event in sample_scene(seed).events:
            dx, dy = event.path[2] - event.path[0], event.path[3] - event.path[1]
            wanted = MOVES.get(event.action, (0, 0))
            assert (dx > 0.4) - (dx < -0.4) == wanted[0]
            assert (dy > 0.4) - (dy < -0.4) == wanted[1]
            assert (event.becomes != event.colour) == (event.action == "changes colour")
