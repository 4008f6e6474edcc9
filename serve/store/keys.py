"""API keys: who may use the server. Kept as in `store.tokens`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from videomind.errors import InputError
from videomind.serve.errors import Refused
from videomind.serve.store.database import Database, changed
from videomind.serve.store.tables import SECOND, KeyRow, now
from videomind.serve.store.tokens import TOUCH, fingerprint, new_token

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is known of a key.

    Attributes:
        name: whose it is; what came in with it belongs to this name.
        created: seconds since 1970.
        used: when it was last used, to the minute; None = never.
    """

    name: str
    created: int
    used: int | None


class Keys:
    """The keys that are valid. Any thread may call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str) -> str:
        """A new key. It is shown this once, and cannot be had again.

        Raises:
            InputError: a name like this cannot be used, or there is a key of this name.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"a key cannot be called {name!r}: take up to 64 letters, digits and any of . _ @ -")
        key = f"vm-{new_token()}"
        try:
            with self._database.session() as session:
                session.add(KeyRow(name=name, fingerprint=fingerprint(key), created=now(), used=None))
        except IntegrityError:
            raise InputError(f"there is a key {name!r} already: remove it first, or take another name") from None
        return key

    def entries(self) -> list[StoredKey]:
        """All of them, by name."""
        with self._database.reading() as session:
            rows = session.scalars(select(KeyRow).order_by(KeyRow.name))
            return [
                StoredKey(row.name, row.created // SECOND, None if row.used is None else row.used // SECOND)
                for row in rows
            ]

    def remove(self, name: str) -> None:
        """Let this key in no more. What came in with it stays, for a new key of this name.

        Raises:
            Refused: (404) there is none of this name.
        """
        with self._database.session() as session:
            if not changed(session, delete(KeyRow).filter_by(name=name)):
                raise Refused(404, f"there is no key {name!r}")

    def name_of(self, key: str) -> str | None:
        """Whose key this is; None if it is none."""
        mark, time = fingerprint(key), now()
        with self._database.reading() as session:
            row = session.scalar(select(KeyRow).filter_by(fingerprint=mark))
        if row is None:
            return None
        if row.used is None or time - row.used > TOUCH:
            with self._database.session() as session:
                session.execute(update(KeyRow).filter_by(fingerprint=mark).values(used=time))
        return row.name

    def any(self) -> bool:
        """Whether there is one at all."""
        with self._database.reading() as session:
            return session.scalar(select(KeyRow.name).limit(1)) is not None
