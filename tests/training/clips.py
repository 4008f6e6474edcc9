"""Videos in which every frame tells its number."""

from pathlib import Path

import numpy as np

from videomind.synth.video import write_video
from videomind.training.examples import Example

FPS = 5.0


def write_numbered(path: Path, frames: int = 50) -> Path:
    """A video at 5 frames a second whose frame n has the grey level 4n."""
    pictures = (np.full((56, 56, 3), 4 * number, dtype=np.uint8) for number in range(frames))
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(pictures, path, FPS)


def numbers(example: Example) -> list[int]:
    """The frames that an example shows, read off their pixels."""
    return [round(float(frame.mean()) / 4) for frame in example.clip.frames]
