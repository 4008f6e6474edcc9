"""Visits to the page: a cookie's token stands for an owner. Kept as in `store.tokens`."""

from __future__ import annotations

import secrets

from sqlalchemy import delete, select, update

from videomind.serve.store.database import Database, changed
from videomind.serve.store.tables import SECOND, SessionRow, now
from videomind.serve.store.tokens import TOUCH, fingerprint, new_token

EXPIRES = 365 * 24 * 3600
"""Seconds without a visit after which a session has ended."""


class Sessions:
    """The sessions that are open. Any thread may call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, owner: str | None = None) -> tuple[str, str]:
        """Open one.

        Args:
            owner: for whom; None is somebody new, "session:" and 32 hex digits.

        Returns:
            the token, which only the visitor may have, and the owner.
        """
        token, owner, time = new_token(), owner or f"session:{secrets.token_hex(16)}", now()
        with self._database.session() as session:
            session.add(SessionRow(fingerprint=fingerprint(token), owner=owner, created=time, seen=time))
        return token, owner

    def owner_of(self, token: str) -> str | None:
        """Whose session this is; None if it is none, or has ended."""
        mark, time = fingerprint(token), now()
        with self._database.reading() as session:
            row = session.scalar(select(SessionRow).filter_by(fingerprint=mark))
        if row is None or row.seen < time - EXPIRES * SECOND:
            return None
        if time - row.seen > TOUCH:
            with self._database.session() as session:
                session.execute(update(SessionRow).filter_by(fingerprint=mark).values(seen=time))
        return row.owner

    def end(self, token: str) -> None:
        """Close it, if it is open."""
        with self._database.session() as session:
            session.execute(delete(SessionRow).filter_by(fingerprint=fingerprint(token)))

    def drop_expired(self) -> int:
        """Forget those that have ended; how many there were."""
        with self._database.session() as session:
            return changed(session, delete(SessionRow).where(SessionRow.seen < now() - EXPIRES * SECOND))
