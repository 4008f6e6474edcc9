"""Videos, and limits that are reached soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serve.sandbox.bombs import write_long_gif
from tests.vision.media import write_video
from videomind.serve.sandbox.limits import Limits


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 numbered frames of H.264, 10 per second."""
    return write_video(tmp_path_factory.mktemp("sandboxed") / "video.mp4", 40)


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file that takes long to read."""
    return write_long_gif(tmp_path_factory.mktemp("bombs") / "endless.gif", frames=300_000)


@pytest.fixture
def limits() -> Limits:
    return Limits(cpu_s=20, wall_s=60)
