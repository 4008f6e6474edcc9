"""A video of four seconds, and a result about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vision.media import write_video
from videomind.results import Answer, Candidate, Plan, Result, RoleCall, Trace, VideoInfo
from videomind.vision.base import VideoReader
from videomind.vision.reader import open_video


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 numbered frames, ten a second."""
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4", 40)


@pytest.fixture
def reader(film: Path) -> Iterator[VideoReader]:
    with open_video(film) as reader:
        yield reader


@pytest.fixture
def result() -> Result:
    """One moment, one other candidate."""
    moment, other = Candidate(1.0, 2.5, 0.8, 0.7, 0.93), Candidate(0.0, 0.4, 0.2, 0.1, 0.004)
    return Result(
        video=VideoInfo("film.mp4", 4.0, 10.0, 128, 96),
        question="When do the bars turn white?",
        query="the bars turn white",
        plan=Plan(("grounder", "verifier", "answerer"), "", True),
        candidates=(moment, other),
        moments=(moment,),
        answer=Answer("In the second second."),
        timings={"decode": 0.1, "grounder": 0.2, "total": 0.35},
        model="nano",
        engine="torch",
        presence=0.97,
        trace=Trace((RoleCall("grounder", "Find the bars", "At:", (0.0, 4.0), (0, 20), (1, 4, 4)),), (moment, other)),
    )
