"""Videos made once per test run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vision.media import write_video


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the session's videos are in."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def video(media: Path) -> Path:
    """40 numbered frames, H.264 with B-frames, 10 frames per second, index at the front."""
    tuned = {"preset": "medium", "bf": "2", "crf": "18"}
    front = {"movflags": "faststart"}
    return write_video(media / "video.mp4", 40, options=tuned, container_options=front)
