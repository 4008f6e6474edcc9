"""Scenes as videos: the same frames as rendered, at the times that a file would have."""

from __future__ import annotations

import numpy as np

from videomind.roles.spec import CELL, View
from videomind.synth.reader import SceneReader
from videomind.synth.render import frame_times, render
from videomind.synth.world import sample_scene
from videomind.vision.clip import load_clip


def test_frames_are_those_of_the_scene() -> None:
    scene = sample_scene(3)
    reader = SceneReader(scene, size=64)
    assert reader.num_frames == scene.frames
    wanted = render(scene, frame_times(scene)[[5, 2, 5]], 64)
    np.testing.assert_array_equal(reader.frames_at([5, 2, 5]), wanted)


def test_a_role_sees_it_resized_for_its_view() -> None:
    clip = load_clip(SceneReader(sample_scene(3)), View(3.0, 8, 4 * CELL, 4 * CELL), (2.0, 4.0))
    assert clip.frames.shape == (6, 56, 56, 3)


def test_another_scene_or_size_is_another_video() -> None:
    readers = [SceneReader(sample_scene(3)), SceneReader(sample_scene(4)), SceneReader(sample_scene(3), size=64)]
    assert len({reader.content_hash for reader in readers}) == 3
    assert readers[0].content_hash == SceneReader(sample_scene(3)).content_hash
