"""What goes by itself: what is old, what is too much, and what belongs to nothing."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from videomind.serve.store.blobs import Stored
from videomind.serve.store.conversations import TurnState
from videomind.serve.store.database import Database, changed
from videomind.serve.store.library import Library
from videomind.serve.store.sessions import Sessions
from videomind.serve.store.tables import SECOND, ConversationRow, FileRow, TurnRow, now

log = logging.getLogger("videomind.serve")
DAY = 24 * 3600
SETTLED = 3600
"""Seconds after which a file without an entry is nobody's, and not one that is just being added."""
AT_ONCE = 500
"""Conversations that one transaction removes, so that others need not wait for long."""
_TURN_DAYS = 1
"""Days after which nobody works on a question any more, even if its server never came back to say so."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How much went.

    Attributes:
        files: contents that left the disk.
        turns: questions with their results.
        bytes: freed on disk.
    """

    files: int
    turns: int
    bytes: int


def clean(database: Database, library: Library, retention_days: float | None, quota_bytes: int | None) -> Cleaned:
    """Tidy up. Servers that share a database and a folder may all do so, while questions are asked.

    What a question that is being answered needs stays in any case.

    Args:
        retention_days: conversations not asked in for so long go, questions without one that are so old, and videos
            that nobody used for so long. None keeps all.
        quota_bytes: of what remains, the least recently used videos beyond this size go. None keeps all.

    Raises:
        Refused: (503) the database cannot be used at the moment.
        OSError: the folder cannot be read or changed.
    """
    return _Cleaning(database, library).run(retention_days, quota_bytes)


class _Cleaning:
    def __init__(self, database: Database, library: Library) -> None:
        self._database, self._blobs = database, library.blobs
        self._files = self._turns = self._bytes = 0

    def run(self, retention_days: float | None, quota_bytes: int | None) -> Cleaned:
        Sessions(self._database).drop_expired()
        self._close_abandoned()
        if retention_days is not None:
            before = now() - int(retention_days * DAY * SECOND)
            self._drop_turns(before)
            self._drop_unused(before)
        self._match_disk()
        if quota_bytes is not None:
            self._fit(quota_bytes)
        return Cleaned(self._files, self._turns, self._bytes)

    def _close_abandoned(self) -> None:
        query = update(TurnRow).where(TurnRow.state == TurnState.ASKED)
        query = query.where(TurnRow.created < now() - _TURN_DAYS * DAY * SECOND)
        with self._database.session() as session:
            session.execute(query.values(state=TurnState.INTERRUPTED, finished=now()))

    def _drop_turns(self, before: int) -> None:
        busy = exists().where(TurnRow.conversation_id == ConversationRow.id, TurnRow.state == TurnState.ASKED)
        old = select(ConversationRow.id).where(ConversationRow.updated < before, ~busy)
        old = old.order_by(ConversationRow.id).limit(AT_ONCE).with_for_update()
        more = True
        while more:
            with self._database.session() as session:
                ids = session.scalars(old).all()
                self._turns += changed(session, delete(TurnRow).where(TurnRow.conversation_id.in_(ids)))
                session.execute(delete(ConversationRow).where(ConversationRow.id.in_(ids)))
            more = len(ids) == AT_ONCE
        alone = TurnRow.conversation_id.is_(None), TurnRow.created < before, TurnRow.state != TurnState.ASKED
        with self._database.session() as session:
            self._turns += changed(session, delete(TurnRow).where(*alone))

    def _drop_unused(self, before: int) -> None:
        stored = self._blobs.stored()
        for sha256, last in self._last_used():
            if last < before:
                self._drop(sha256, stored.get(sha256, Stored()), unused_since=before)

    def _match_disk(self) -> None:
        """Let entries and files agree."""
        settled = time.time() - SETTLED
        self._blobs.drop_unfinished(settled)
        stored = self._blobs.stored()
        with self._database.reading() as session:
            listed = set(session.scalars(select(FileRow.sha256).distinct()))
        for sha256 in stored.keys() - listed:
            if stored[sha256].modified < settled:
                self._drop(sha256, stored[sha256], unused_since=0)
        if listed and not stored:
            log.error("none of %d videos is on the disk, so their entries stay: is the folder there?", len(listed))
            return
        for sha256 in listed - {sha256 for sha256, there in stored.items() if there.whole}:
            self._drop_entries(sha256)

    def _fit(self, quota_bytes: int) -> None:
        stored = self._blobs.stored()
        total = sum(there.bytes for there in stored.values())
        for sha256, last in self._last_used():
            if total <= quota_bytes:
                return
            there = stored.get(sha256, Stored())
            if self._drop(sha256, there, unused_since=last + 1):
                total -= there.bytes

    def _last_used(self) -> list[tuple[str, int]]:
        """Every content in a library and when it was last used, the longest unused first."""
        last = func.max(FileRow.used)
        query = select(FileRow.sha256, last).group_by(FileRow.sha256).order_by(last, FileRow.sha256)
        with self._database.reading() as session:
            return [(sha256, used) for sha256, used in session.execute(query)]

    def _drop(self, sha256: str, there: Stored, unused_since: int) -> bool:
        """Remove a video from all libraries and from the disk, unless it was used since or is at this moment."""
        with self._blobs.locked(sha256):
            with self._database.session() as session:
                rows = session.scalars(select(FileRow).filter_by(sha256=sha256).with_for_update()).all()
                if any(row.used >= unused_since for row in rows) or _asked(session, sha256):
                    return False
                session.execute(delete(FileRow).filter_by(sha256=sha256))
            self._blobs.remove(sha256)
        self._files += 1
        self._bytes += there.bytes
        return True

    def _drop_entries(self, sha256: str) -> None:
        with self._blobs.locked(sha256):
            if not self._blobs.path(sha256).is_file():
                with self._database.session() as session:
                    session.execute(delete(FileRow).filter_by(sha256=sha256))
                self._blobs.remove(sha256)


def _asked(session: Session, sha256: str) -> bool:
    query = select(TurnRow.id).join(FileRow, TurnRow.file_id == FileRow.id)
    query = query.where(FileRow.sha256 == sha256, TurnRow.state == TurnState.ASKED).limit(1)
    return session.scalar(query) is not None
