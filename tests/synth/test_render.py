"""Frames show exactly what the scene says, when it says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from videomind.synth.labels import cell_labels
from videomind.synth.render import centres, frame_times, render
from videomind.synth.video import write_scene
from videomind.synth.world import ACTIONS, COLOURS, SHAPES, Event, Scene, sample_scene


def still(**changes: object) -> Scene:
    event = Event("red", "square", "stays still", 1.0, 3.0, "red", (0.5, 0.5, 0.5, 0.5), (0.2, 0.2))
    return Scene(1, 4.0, 10.0, (replace(event, **changes),), noise=0.0)


def coloured(frames: np.ndarray) -> np.ndarray:
    """Whether each frame holds pixels that differ much between channels."""
    spread = frames.max(-1).astype(int) - frames.min(-1)
    return (spread > 80).any((1, 2))


def test_a_frame_depends_on_its_own_time_alone() -> None:
    scene = sample_scene(5)
    times = frame_times(scene)
    np.testing.assert_array_equal(render(scene, times, 56)[40:42], render(scene, times[40:42], 56))


def test_a_thing_is_seen_from_its_start_up_to_its_end() -> None:
    seen = coloured(render(still(), frame_times(still()), 56))
    np.testing.assert_array_equal(np.flatnonzero(seen), np.arange(10, 30))


def test_a_blinking_thing_is_seen_in_the_first_half_of_each_second() -> None:
    seen = coloured(render(still(action="blinks"), frame_times(still()), 56))
    np.testing.assert_array_equal(np.flatnonzero(seen), [*range(10, 15), *range(20, 25)])


def test_a_colour_changes_at_the_middle() -> None:
    frames = render(still(action="changes colour", becomes="blue"), frame_times(still()), 56)
    assert frames[19, 28, 28].argmax() == 0
    assert frames[20, 28, 28].argmax() == 2


def test_a_moving_thing_is_where_it_is_said_to_be() -> None:
    scene = still(action="moves right", path=(0.2, 0.4, 0.8, 0.4))
    times = np.array([1.0, 2.0, 2.9])
    for frame, centre in zip(render(scene, times, 100), centres(scene.events[0], times), strict=True):
        rows, columns = np.nonzero(frame[..., 0] > 150)
        assert abs(columns.mean() / 100 - centre[0]) < 0.02
        assert abs(rows.mean() / 100 - centre[1]) < 0.02


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_differ_and_look_alike_at_any_size(shape: str) -> None:
    small, large = (render(still(shape=shape), np.array([2.0]), size)[0, ..., 0] > 140 for size in (56, 224))
    assert (small == large[2::4, 2::4]).mean() > 0.98
    others = [render(still(shape=s), np.array([2.0]), 56)[0, ..., 0] > 140 for s in SHAPES if s != shape]
    assert all((small != other).sum() > 20 for other in others)


def test_labels_name_the_thing_in_its_cell() -> None:
    scene = still(path=(0.8, 0.2, 0.8, 0.2), shape="cross")
    labels = cell_labels(scene, np.array([[0.0, 0.5], [1.0, 1.5], [2.5, 3.0]]))
    assert labels.shape.tolist() == [
        [0] * 4,
        [0, 1 + SHAPES.index("cross"), 0, 0],
        [0, 1 + SHAPES.index("cross"), 0, 0],
    ]
    assert labels.colour[1, 1] == 1 + list(COLOURS).index("red")
    assert labels.action[:, 1].tolist() == [0, 1 + ACTIONS.index("stays still"), -100]


def test_the_file_holds_the_frames(tmp_path: Path) -> None:
    scene = still()
    with av.open(str(write_scene(scene, tmp_path / "a.mp4", size=112))) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert float(stream.average_rate) == 10.0
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
    wanted = render(scene, frame_times(scene), 112)
    assert frames.shape == wanted.shape
    assert np.abs(frames.astype(int) - wanted).mean() < 6
    np.testing.assert_array_equal(coloured(frames), coloured(wanted))
