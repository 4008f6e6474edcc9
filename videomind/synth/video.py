"""Scenes as H.264 files."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from videomind.synth.render import Frames, frame_times, render
from videomind.synth.world import Scene

_CHUNK = 32
_REPEATABLE = {"preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}
"""So the same frames give the same bytes: with x264's macroblock tree they depend on what was in memory before."""


def write_scene(scene: Scene, path: Path | str, size: int = 224, key_seconds: float | None = None) -> Path:
    """Write the scene as an mp4 file of size × size pixels at its own frame rate; gives the path back.

    `key_seconds`: as in `write_video`.
    """
    times = frame_times(scene)
    chunks = (render(scene, times[i : i + _CHUNK], size) for i in range(0, len(times), _CHUNK))
    return write_video((frame for chunk in chunks for frame in chunk), path, scene.fps, key_seconds=key_seconds)


def write_video(
    frames: Iterable[Frames], path: Path | str, fps: float, crf: int = 21, key_seconds: float | None = None
) -> Path:
    """Encode RGB frames [H, W, 3] (even sides) as H.264 in an mp4 file; gives the path back.

    A frame that can be decoded alone comes every `key_seconds`; None = where x264 thinks fit, or after 250 frames.
    The same frames give the same bytes, with the same build of PyAV on the same kind of processor.
    """
    path = Path(path)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.pix_fmt = "yuv420p"
        rhythm = {} if key_seconds is None else {"g": str(max(1, round(key_seconds * fps)))}
        stream.options = {"crf": str(crf)} | rhythm | _REPEATABLE
        for image in frames:
            if not stream.codec_context.is_open:
                stream.height, stream.width = image.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode(None))
    return path
