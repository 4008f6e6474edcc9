"""Scenes as videos whose frames are rendered when they are looked at."""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np

from videomind.synth.render import render
from videomind.synth.world import Scene
from videomind.vision.base import VideoReader


class SceneReader(VideoReader):
    """A scene of `size` × `size` pixels as if it were a file of its frame rate, without a codec's losses."""

    def __init__(self, scene: Scene, size: int = 112) -> None:
        super().__init__()
        self.scene = scene
        self.path = f"scene {scene.seed}"
        self.fps = scene.fps
        self.num_frames = scene.frames
        self.width = self.height = size

    @cached_property
    def timestamps(self) -> np.ndarray:
        seconds: np.ndarray = np.arange(self.num_frames) / self.fps
        return seconds

    def _hash(self) -> str:
        return hashlib.sha256(f"{self.width} {self.scene!r}".encode()).hexdigest()

    def _decode(self, indices: list[int]) -> np.ndarray:
        return render(self.scene, np.array(indices) / self.fps, self.width)

    def close(self) -> None:
        """Nothing to free."""
