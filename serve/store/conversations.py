"""What was asked, and what came of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from videomind.serve.errors import Refused
from videomind.serve.store.database import Database, changed
from videomind.serve.store.library import VideoFile, no_file
from videomind.serve.store.tables import SECOND, ConversationRow, FileRow, TurnRow, now


class TurnState(StrEnum):
    """How far a turn is. INTERRUPTED: its server stopped before there was an answer."""

    ASKED = "asked"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


_OPEN = (TurnState.ASKED, TurnState.INTERRUPTED)
"""What may still be answered: a turn can be taken for interrupted whose server only was very slow."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its result.

    Attributes:
        id: "turn-" and 24 hex digits.
        conversation: the one it belongs to, or None.
        file_id: the video; None when it was removed.
        asked: `Ask.to_json()`.
        result: `Result.to_json()` with its "trace"; None unless answered.
        error: why there is none.
        created, finished: seconds since 1970.
    """

    id: str
    owner: str
    conversation: str | None
    file_id: str | None
    file_name: str
    asked: dict[str, Any]
    state: TurnState
    result: dict[str, Any] | None
    error: str | None
    created: int
    finished: int | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions about one video that belong together.

    Attributes:
        id: "conv-" and 24 hex digits.
        file_id: the video; None when it was removed.
        created, updated: begun and last asked in, in seconds since 1970.
    """

    id: str
    owner: str
    title: str
    file_id: str | None
    file_name: str
    created: int
    updated: int


class Conversations:
    """Everybody's history. Any thread may call.

    Args:
        instance: name of this server, where several write into one database.
    """

    def __init__(self, database: Database, instance: str = "") -> None:
        self._database, self._instance = database, instance

    def start(self, owner: str, video: VideoFile, title: str) -> Conversation:
        """Begin a conversation about a video.

        Raises:
            Refused: (404) the video was removed.
        """
        time = now()
        row = ConversationRow(
            id=f"conv-{secrets.token_hex(12)}",
            owner=owner,
            title=title,
            file_id=video.id,
            file_name=video.name,
            created=time,
            updated=time,
        )
        with self._database.session() as session:
            _use(session, video, time)
            session.add(row)
        return _conversation(row)

    def ask(self, owner: str, video: VideoFile, asked: dict[str, Any], conversation: str | None) -> Turn:
        """Write down a question before it is answered.

        Raises:
            Refused: (404) the video was removed, or this owner has no such conversation.
        """
        time = now()
        row = TurnRow(
            id=f"turn-{secrets.token_hex(12)}",
            owner=owner,
            conversation_id=conversation,
            file_id=video.id,
            file_name=video.name,
            instance=self._instance,
            asked=asked,
            state=TurnState.ASKED,
            result=None,
            error=None,
            created=time,
            finished=None,
        )
        with self._database.session() as session:
            _use(session, video, time)
            if conversation is not None:
                _change(session, owner, conversation, updated=time)
            session.add(row)
        return _turn(row)

    def finish(
        self, turn_id: str, state: TurnState, result: dict[str, Any] | None = None, error: str | None = None
    ) -> None:
        """Write down what came of it. The first end counts: a turn that has one stays as it is."""
        change = update(TurnRow).where(TurnRow.id == turn_id, TurnRow.state.in_(_OPEN))
        with self._database.session() as session:
            session.execute(change.values(state=state, result=result, error=error, finished=now()))

    def turn(self, owner: str, turn_id: str) -> Turn:
        """One of this owner's.

        Raises:
            Refused: (404) this owner has no such turn.
        """
        with self._database.reading() as session:
            row = session.scalar(select(TurnRow).filter_by(owner=owner, id=turn_id))
        if row is None:
            raise Refused(404, f"there is no result {turn_id!r}")
        return _turn(row)

    def entries(self, owner: str, limit: int = 100) -> list[Conversation]:
        """This owner's conversations, the last used first."""
        newest = ConversationRow.updated.desc(), ConversationRow.id
        with self._database.reading() as session:
            rows = session.scalars(select(ConversationRow).filter_by(owner=owner).order_by(*newest).limit(limit))
            return [_conversation(row) for row in rows]

    def get(self, owner: str, conversation_id: str) -> Conversation:
        """One of this owner's.

        Raises:
            Refused: (404) this owner has no such conversation.
        """
        with self._database.reading() as session:
            row = session.scalar(select(ConversationRow).filter_by(owner=owner, id=conversation_id))
        if row is None:
            raise _no_conversation(conversation_id)
        return _conversation(row)

    def turns(self, owner: str, conversation_id: str) -> list[Turn]:
        """All of a conversation, in order.

        Raises:
            Refused: (404) this owner has no such conversation.
        """
        self.get(owner, conversation_id)
        query = select(TurnRow).filter_by(owner=owner, conversation_id=conversation_id)
        with self._database.reading() as session:
            return [_turn(row) for row in session.scalars(query.order_by(TurnRow.created, TurnRow.id))]

    def rename(self, owner: str, conversation_id: str, title: str) -> None:
        """Give it another title.

        Raises:
            Refused: (404) this owner has no such conversation.
        """
        with self._database.session() as session:
            _change(session, owner, conversation_id, title=title)

    def remove(self, owner: str, conversation_id: str) -> None:
        """Forget it with all its turns.

        Raises:
            Refused: (404) this owner has no such conversation.
        """
        with self._database.session() as session:
            if not changed(session, delete(ConversationRow).filter_by(owner=owner, id=conversation_id)):
                raise _no_conversation(conversation_id)

    def interrupt(self) -> int:
        """At start: what this server was asked when it stopped will not be answered any more. How many there were."""
        change = update(TurnRow).filter_by(instance=self._instance, state=TurnState.ASKED)
        with self._database.session() as session:
            return changed(session, change.values(state=TurnState.INTERRUPTED, finished=now()))


def _use(session: Session, video: VideoFile, time: int) -> None:
    """Mark a video as used, so that no clean-up takes it before the transaction is through."""
    if not changed(session, update(FileRow).filter_by(id=video.id).values(used=time)):
        raise no_file(video.id)


def _change(session: Session, owner: str, conversation_id: str, **values: str | int) -> None:
    if not changed(session, update(ConversationRow).filter_by(owner=owner, id=conversation_id).values(**values)):
        raise _no_conversation(conversation_id)


def _no_conversation(conversation_id: str) -> Refused:
    return Refused(404, f"there is no conversation {conversation_id!r}")


def _conversation(row: ConversationRow) -> Conversation:
    return Conversation(
        id=row.id,
        owner=row.owner,
        title=row.title,
        file_id=row.file_id,
        file_name=row.file_name,
        created=row.created // SECOND,
        updated=row.updated // SECOND,
    )


def _turn(row: TurnRow) -> Turn:
    return Turn(
        id=row.id,
        owner=row.owner,
        conversation=row.conversation_id,
        file_id=row.file_id,
        file_name=row.file_name,
        asked=row.asked,
        state=TurnState(row.state),
        result=row.result,
        error=row.error,
        created=row.created // SECOND,
        finished=None if row.finished is None else row.finished // SECOND,
    )
