"""Samples about rendered videos, and workers that start fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.evaluation.run.processes import forked
from videomind.evaluation.run import workers
from videomind.evaluation.run.batches import Asked
from videomind.evaluation.run.line import Manner
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks import synth
from videomind.results import Protocol

Ask = Callable[..., Asked]


@pytest.fixture(scope="session")
def videos(synth_data: Path) -> Path:
    """The folder of the rendered videos."""
    return synth_data / synth.FOLDER / "videos"


@pytest.fixture
def about(videos: Path) -> Ask:
    """A question about one of the videos (by number)."""

    def asked(video: int, question: str = "What happens?", name: str | None = None, **more: object) -> Asked:
        file = f"{video:06}.mp4"
        sample = Sample(name or f"{video}-{question}", (file,), question, **more)
        return Asked("own", sample, videos / file, file)

    return asked


@pytest.fixture
def manner() -> Manner:
    return Manner({"own": Protocol()}, frozenset({"answerer", "grounder"}))


@pytest.fixture
def fast_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are forked from a process that has everything imported."""
    monkeypatch.setattr(workers, "get_context", lambda kind: forked())


def ids(lines: Sequence[dict[str, object]]) -> list[object]:
    return [line["id"] for line in lines]
