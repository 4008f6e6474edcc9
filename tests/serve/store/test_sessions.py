"""Visits to the page."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from tests.serve.store.test_keys import everything
from videomind.serve.store.database import Database
from videomind.serve.store.sessions import EXPIRES, Sessions
from videomind.serve.store.tables import SECOND, SessionRow, now


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database)


def last_seen(database: Database, seconds_ago: int) -> None:
    with database.session() as session:
        session.execute(update(SessionRow).values(seen=now() - seconds_ago * SECOND))


def test_a_token_stands_for_its_owner(sessions: Sessions) -> None:
    token, owner = sessions.start()
    other, somebody = sessions.start()
    assert owner != somebody
    assert owner.startswith("session:")
    assert (sessions.owner_of(token), sessions.owner_of(other)) == (owner, somebody)
    for wrong in ("", owner, token[:-1], token + "x", "\ud800"):
        assert sessions.owner_of(wrong) is None


def test_a_session_may_be_for_somebody_known(sessions: Sessions) -> None:
    token, owner = sessions.start("key:ann")
    assert sessions.owner_of(token) == owner == "key:ann"


def test_a_token_cannot_be_had_from_the_database(sessions: Sessions, database: Database) -> None:
    token, owner = sessions.start()
    assert owner in everything(database)
    assert token not in everything(database)


def test_a_session_that_was_ended_is_over_and_others_go_on(sessions: Sessions) -> None:
    (token, _), (other, owner) = sessions.start(), sessions.start()
    sessions.end(token)
    sessions.end(token)
    assert sessions.owner_of(token) is None
    assert sessions.owner_of(other) == owner


def test_a_visit_keeps_a_session_open_and_a_long_absence_ends_it(sessions: Sessions, database: Database) -> None:
    token, owner = sessions.start()
    last_seen(database, EXPIRES - 60)
    assert sessions.owner_of(token) == owner
    with database.reading() as session:
        assert session.scalars(select(SessionRow.seen)).one() > now() - 60 * SECOND
    last_seen(database, EXPIRES + 60)
    assert sessions.owner_of(token) is None


def test_visits_are_noted_once_a_minute(sessions: Sessions, database: Database) -> None:
    token, _ = sessions.start()
    last_seen(database, 50)
    with database.reading() as session:
        before = session.scalars(select(SessionRow.seen)).one()
    sessions.owner_of(token)
    with database.reading() as session:
        assert session.scalars(select(SessionRow.seen)).one() == before


def test_expired_sessions_are_dropped(sessions: Sessions, database: Database) -> None:
    sessions.start()
    last_seen(database, EXPIRES + 60)
    token, owner = sessions.start()
    assert sessions.drop_expired() == 1
    assert sessions.owner_of(token) == owner
