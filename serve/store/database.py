"""The database: SQLite in a file, or PostgreSQL by URL; brought up to date when it is opened."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, CursorResult, Engine, Executable, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session, sessionmaker

from videomind.errors import InputError
from videomind.serve.errors import Refused
from videomind.serve.store.migrate import upgrade

log = logging.getLogger("videomind.serve")
PATIENCE = 10
"""Seconds to wait for PostgreSQL to answer."""
LOCK_PATIENCE = 30
"""Seconds to wait for another writer of an SQLite file."""
_SHAPE = "give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"


class Database:
    """Sessions for any thread. Use `Database.open`.

    SQLite lets one transaction write at a time. Those that write say so when they begin, so that they wait for one
    another instead of failing half-way; those that only read wait for nobody.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._readers = sessionmaker(engine.execution_options(reading=True), expire_on_commit=False)

    @classmethod
    def open(cls, url: str) -> Database:
        """Connect, and make or upgrade the tables; several servers may do so at once.

        Args:
            url: "sqlite:///FILE" (its folder is made) or "postgresql://…".

        Raises:
            InputError: there is no such database, it cannot be reached, or a newer version has written it.
        """
        where = _parse(url)
        try:
            engine = _engine(where)
            try:
                with _alone(where), engine.begin() as connection:
                    upgrade(connection)
            except BaseException:
                engine.dispose()
                raise
        except DBAPIError as error:
            raise InputError(f"cannot use the database {_name(where)}: {_reason(error, where)}") from None
        except OSError as error:
            raise InputError(f"cannot use the database {_name(where)}: {error.strerror}; {_SHAPE}") from error
        return cls(engine)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction that writes: committed at the end, rolled back on an error.

        Raises:
            Refused: (503) the database cannot be used at the moment.
        """
        with _answering(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads. Errors as in `session`."""
        with _answering(), self._readers.begin() as session:
            yield session

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()


def changed(session: Session, statement: Executable) -> int:
    """Execute, and tell how many rows it changed or removed."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, TimeoutError) as error:
        log.error("the database cannot be used", exc_info=error)
        raise Refused(503, "the server's database cannot be used at the moment; try again later") from error


def _parse(url: str) -> URL:
    try:
        where = make_url(url)
    except (ArgumentError, ValueError):
        raise InputError(f"the database's URL cannot be read: {_SHAPE}") from None
    kind = where.get_backend_name()
    if kind in ("postgres", "postgresql"):
        return where.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise InputError(f"a database of kind {kind!r} cannot be used: {_SHAPE}")
    if where.database in (None, "", ":memory:"):
        raise InputError(f"a database in memory would be lost: {_SHAPE}")
    return where.set(drivername="sqlite+pysqlite")


def _engine(where: URL) -> Engine:
    options: dict[str, Any] = {"hide_parameters": True, "json_serializer": partial(json.dumps, allow_nan=False)}
    if where.get_backend_name() == "sqlite":
        _make_private(Path(where.database or ""))
        engine = create_engine(where, connect_args={"timeout": LOCK_PATIENCE}, **options)
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return engine
    patience = {} if "connect_timeout" in where.query else {"connect_timeout": PATIENCE}
    return create_engine(where, connect_args=patience, pool_pre_ping=True, **options)


def _make_private(file: Path) -> None:
    """A file that only this user reads; SQLite gives the files beside it the same rights.

    One that is there is not touched: to open and close it would end the locks that this process has on it.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


@contextmanager
def _alone(where: URL) -> Iterator[None]:
    """One server at a time opens an SQLite file: the switch to its write-ahead log waits for nobody, but fails."""
    if where.get_backend_name() != "sqlite":
        yield
        return
    folder = os.open(Path(where.database or "").parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a lost power supply may cost the last commits, a kill none
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _name(where: URL) -> str:
    """A database without the secrets that its URL may hold."""
    if where.get_backend_name() == "sqlite":
        return str(where.database)
    return f"{where.database or ''} at {where.host or 'this machine'}"


def _reason(error: DBAPIError, where: URL) -> str:
    """The first line of what the driver says, without passwords."""
    text = next(iter(str(error.orig).strip().splitlines()), type(error.orig).__name__)
    for secret in (where.password, where.query.get("password")):
        if isinstance(secret, str) and secret:
            text = text.replace(secret, "***")
    return text
