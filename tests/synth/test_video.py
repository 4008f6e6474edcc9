"""Scenes as files: the same bytes again, and the colours that were rendered."""

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from videomind.synth.render import frame_times, render
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene

WRITE = """
import sys
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene
write_scene(sample_scene(4), sys.argv[1] + ".mp4", size=56)
"""


def test_the_bytes_do_not_depend_on_what_was_in_memory(tmp_path: Path) -> None:
    """The C library fills what is allocated with another byte each time, where it is glibc."""
    for fill in ("1", "170"):
        environment = os.environ | {"MALLOC_PERTURB_": fill}
        subprocess.run([sys.executable, "-c", WRITE, str(tmp_path / fill)], env=environment, check=True)
    assert (tmp_path / "1.mp4").read_bytes() == (tmp_path / "170.mp4").read_bytes()


@pytest.mark.parametrize("size", [56, 112])
def test_decoded_frames_are_close_to_the_rendered_ones(tmp_path: Path, size: int) -> None:
    scene = sample_scene(4)
    rendered = render(scene, frame_times(scene), size)
    with av.open(str(write_scene(scene, tmp_path / "a.mp4", size))) as container:
        decoded = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    error = decoded.astype(int) - rendered
    assert np.abs(error).mean() < 2
    assert np.abs(error.mean(axis=(0, 1, 2))).max() < 1.6
