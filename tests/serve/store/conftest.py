"""Stores to try, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.serve.store import postgres
from videomind.serve.store.blobs import Blobs
from videomind.serve.store.conversations import Conversations
from videomind.serve.store.database import Database
from videomind.serve.store.library import Library, MediaInfo, VideoFile
from videomind.serve.store.tables import Base

INFO = MediaInfo("mp4", "h264", duration=12.5, fps=25.0, width=640, height=360, frames=312, playable=True)


@pytest.fixture(scope="session")
def new_postgres() -> Iterator[Callable[[], str]]:
    """Makes an empty PostgreSQL database and gives its URL."""
    folder = postgres.programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres.running(folder) as new:
        yield new


KINDS = ["sqlite", "postgresql"]


def new_url(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'videomind.db'}"
    made: str = request.getfixturevalue("new_postgres")()
    return made


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database that nobody has opened yet."""
    return new_url(request.param, tmp_path, request)


@pytest.fixture(scope="session", params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with closing(Database.open(new_url(request.param, tmp_path_factory.mktemp("database"), request))) as database:
        yield database


@pytest.fixture
def database(opened: Database) -> Iterator[Database]:
    """Nothing is in it."""
    yield opened
    with opened.session() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the videos are."""
    return tmp_path / "data"


@pytest.fixture
def library(database: Database, root: Path) -> Library:
    return Library(database, Blobs(root))


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database)


def add(library: Library, owner: str = "ann", content: bytes = b"film", name: str = "film.mp4") -> VideoFile:
    """What an upload comes to."""
    with library.blobs.incoming() as incoming:
        incoming.write(content)
        return library.add(owner, name, incoming, INFO)
