"""API keys: shown once, and not to be had from the database."""

from __future__ import annotations

from time import time

import pytest
from sqlalchemy import inspect, select, text, update

from videomind.errors import InputError
from videomind.serve.errors import Refused
from videomind.serve.store.database import Database
from videomind.serve.store.keys import Keys
from videomind.serve.store.tables import SECOND, KeyRow, now


@pytest.fixture
def keys(database: Database) -> Keys:
    return Keys(database)


def everything(database: Database) -> str:
    """All that the database holds."""
    with database.reading() as session:
        tables = inspect(session.connection()).get_table_names()
        return repr([session.execute(text(f"SELECT * FROM {table}")).all() for table in tables])


def test_a_key_tells_whose_it_is_and_no_other_does(keys: Keys) -> None:
    assert not keys.any()
    ann, bob = keys.add("ann"), keys.add("bob")
    assert keys.any()
    assert ann.startswith("vm-")
    assert len(ann) == len("vm-") + 43
    assert (keys.name_of(ann), keys.name_of(bob)) == ("ann", "bob")
    for wrong in ("", "vm-", ann[:-1], ann + "x", ann.upper(), "ann", "nul\0", "\ud800"):
        assert keys.name_of(wrong) is None


def test_a_key_cannot_be_had_from_the_database(keys: Keys, database: Database) -> None:
    key = keys.add("ann")
    assert "ann" in everything(database)
    assert key[3:] not in everything(database)


def test_entries_tell_when_a_key_was_made_and_used(keys: Keys) -> None:
    started = int(time())
    key = keys.add("ann")
    (entry,) = keys.entries()
    assert (entry.name, entry.used) == ("ann", None)
    assert started <= entry.created <= time()
    keys.name_of(key)
    (entry,) = keys.entries()
    assert entry.used is not None
    assert started <= entry.used <= time()


@pytest.mark.parametrize(("ago", "noted"), [(50, False), (70, True)])
def test_use_is_noted_once_a_minute(keys: Keys, database: Database, ago: int, noted: bool) -> None:
    key, before = keys.add("ann"), now() - ago * SECOND
    with database.session() as session:
        session.execute(update(KeyRow).values(used=before))
    keys.name_of(key)
    with database.reading() as session:
        assert (session.scalar(select(KeyRow.used)) != before) is noted


def test_a_removed_key_lets_nobody_in(keys: Keys) -> None:
    key = keys.add("ann")
    keys.remove("ann")
    assert keys.name_of(key) is None
    with pytest.raises(Refused, match="there is no key 'ann'"):
        keys.remove("ann")
    assert keys.add("ann") != key


def test_there_is_one_key_of_a_name(keys: Keys) -> None:
    key = keys.add("ann")
    with pytest.raises(InputError, match="there is a key 'ann' already"):
        keys.add("ann")
    assert keys.name_of(key) == "ann"


def test_names_are_plain(keys: Keys) -> None:
    for name in ("", " ", "a b", "a\n", "../x", "x" * 65, "ключ", "-x", "a:b"):
        with pytest.raises(InputError, match="cannot be called"):
            keys.add(name)
