"""Opening a database: made, upgraded, shared; and errors that help and tell no secret."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from tests.serve.store.conftest import KINDS, new_url
from videomind.errors import InputError
from videomind.serve.errors import Refused
from videomind.serve.store.database import Database
from videomind.serve.store.keys import Keys
from videomind.serve.store.tables import Base, KeyRow

OPEN = """
import sys
from videomind.serve.store.database import Database
from videomind.serve.store.keys import Keys
print("ready", flush=True)
sys.stdin.readline()
for url in sys.argv[2:]:
    Keys(Database.open(url)).add(sys.argv[1])
"""


def test_models_and_migrations_agree(database: Database) -> None:
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_what_was_written_is_there_when_it_is_opened_again(url: str) -> None:
    with closing(Database.open(url)) as database:
        key = Keys(database).add("ann")
    with closing(Database.open(url)) as database:
        assert Keys(database).name_of(key) == "ann"


@pytest.mark.parametrize("kind", KINDS)
def test_several_servers_may_open_a_new_database_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    urls = [new_url(kind, tmp_path / str(number), request) for number in range(6)]
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", OPEN, name, *urls], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            for name in ("a", "b")
        ]
        assert [server.stdout.readline() for server in servers if server.stdout] == [b"ready\n"] * 2
        for server in servers:
            assert server.stdin is not None
            server.stdin.close()
        assert [server.wait(60) for server in servers] == [0, 0]
    for url in urls:
        with closing(Database.open(url)) as database:
            assert [entry.name for entry in Keys(database).entries()] == ["a", "b"]


def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    with closing(Database.open(url)) as database, database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InputError, match="9999, of a newer version"):
        Database.open(url)


def test_an_error_undoes_the_whole_transaction(database: Database) -> None:
    with suppress(RuntimeError), database.session() as session:
        session.add(KeyRow(name="ann", fingerprint="0", created=0, used=None))
        session.flush()
        raise RuntimeError
    assert not Keys(database).any()


def test_threads_that_read_and_then_write_wait_for_one_another(database: Database) -> None:
    with database.session() as session:
        session.add(KeyRow(name="counter", fingerprint="0", created=0, used=0))

    def count(_: int) -> None:
        with database.session() as session:
            row = session.scalars(select(KeyRow).with_for_update()).one()
            assert row.used is not None
            row.used += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(48)))
    with database.reading() as session:
        assert session.scalars(select(KeyRow.used)).all() == [48]


def test_who_reads_does_not_wait_for_who_writes(database: Database) -> None:
    with database.session() as session:
        session.add(KeyRow(name="ann", fingerprint="0", created=0, used=None))
        session.flush()
        assert not Keys(database).any()
    assert Keys(database).any()


def test_only_this_user_can_read_an_sqlite_file(tmp_path: Path) -> None:
    file = tmp_path / "made" / "videomind.db"
    with closing(Database.open(f"sqlite:///{file}")) as database:
        Keys(database).add("ann")
        assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
        assert len(list(file.parent.iterdir())) == 3
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "cannot be read: give sqlite:///FILE or postgresql://"),
        ("not a url", "cannot be read"),
        ("postgresql://ann:s3cret@host:port/x", "cannot be read"),
        ("mysql://ann:s3cret@host/x", "of kind 'mysql' cannot be used"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:////proc/none/videomind.db", "cannot use the database /proc/none/videomind.db"),
        ("sqlite:////etc", "cannot use the database /etc"),
        ("postgresql://ann:s3cret@127.0.0.1:1/x", "cannot use the database x at 127.0.0.1: .*refused"),
        ("postgresql://ann@127.0.0.1:1/x?password=s3cret", "x at 127.0.0.1: .*refused"),
        ("postgres://ann:s3cret@127.0.0.1:1/x?s3cret=1", "cannot use the database x at 127.0.0.1: .*option"),
    ],
)
def test_a_url_that_cannot_be_used_is_reported_without_its_password(url: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        Database.open(url)
    assert "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_database_is_reported_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but something dear to somebody" * 9)
    before = file.read_bytes()
    with pytest.raises(InputError, match="file is not a database"):
        Database.open(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_missing_database_of_postgresql_is_reported(new_postgres: Callable[[], str]) -> None:
    with pytest.raises(InputError, match='database "nosuch" does not exist'):
        Database.open(f"postgresql://videomind@/nosuch?{new_postgres().partition('?')[2]}")


def test_a_database_that_goes_away_is_reported_and_used_again_when_it_is_back(
    new_postgres: Callable[[], str],
) -> None:
    with closing(Database.open(new_postgres())) as database, closing(Database.open(new_postgres())) as other:
        keys = Keys(database)
        with pytest.raises(Refused, match="cannot be used at the moment") as error, database.session() as session:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert error.value.status == 503
        assert not keys.any()
        with other.session() as session:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
            session.execute(text(f"{others} AND backend_type = 'client backend'"))
        assert not keys.any()
