"""A library to take videos into."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.vision.media import write_video
from videomind.serve.media.receive import Media, MediaLimits
from videomind.serve.sandbox.limits import Limits
from videomind.serve.store.blobs import Blobs
from videomind.serve.store.database import Database
from videomind.serve.store.library import Library

SANDBOX = Limits(cpu_s=20, wall_s=60)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("media") / "video.mp4", 10)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with closing(Database.open(f"sqlite:///{tmp_path / 'videomind.db'}")) as database:
        yield Library(database, Blobs(tmp_path / "store"))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The folder that `file:` URLs may point to."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    return folder


@pytest.fixture
def make_media(library: Library, shelf: Path) -> Callable[..., Media]:
    def make(**limits: float) -> Media:
        return Media(library, MediaLimits(**limits), SANDBOX, shelf, ("example.org",))

    return make


@pytest.fixture
def media(make_media: Callable[..., Media]) -> Media:
    return make_media()


async def in_pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """Data as a request brings it."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
