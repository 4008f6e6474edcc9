"""Made-up runs on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.report.made_up import write_run, write_videos


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("data") / "videos")


@pytest.fixture
def run(tmp_path: Path, videos: Path) -> Path:
    """OUT of a run of six questions."""
    return write_run(tmp_path / "first", videos)
