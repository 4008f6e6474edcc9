"""The tables. A change here needs a migration beside it; a test compares the two."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Dialect, ForeignKey, Index, MetaData, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECOND = 1_000_000
"""Times are kept in microseconds since 1970, so that what was written first also comes first."""


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class AnyText(TypeDecorator[str]):
    """Text from outside, which may hold what a database refuses: NUL and lone surrogates become "�"."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """As it goes in, as a value or to be compared with one."""
        if value is None:
            return None
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


class Base(DeclarativeBase):
    """JSON is plain `json` on PostgreSQL: it comes back as it was, and `jsonb` refuses some strings."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: AnyText,
        int: BigInteger,
        dict[str, Any]: JSON(none_as_null=True),
    }


class FileRow(Base):
    """A video in somebody's library."""

    __tablename__ = "files"
    __table_args__ = (UniqueConstraint("owner", "sha256"), Index(None, "sha256"))

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    name: Mapped[str]
    sha256: Mapped[str]
    bytes: Mapped[int]
    info: Mapped[dict[str, Any]]
    created: Mapped[int]
    used: Mapped[int]


class ConversationRow(Base):
    """Questions that belong together. The file's name stays when the file goes."""

    __tablename__ = "conversations"
    __table_args__ = (Index(None, "owner", "updated"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    title: Mapped[str]
    file_id: Mapped[str | None] = mapped_column(ForeignKey("files.id", ondelete="SET NULL"), index=True)
    file_name: Mapped[str]
    created: Mapped[int]
    updated: Mapped[int]


class TurnRow(Base):
    """One question and what came of it."""

    __tablename__ = "turns"
    __table_args__ = (Index(None, "conversation_id", "created"), Index(None, "state", "instance"))

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    conversation_id: Mapped[str | None] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    file_id: Mapped[str | None] = mapped_column(ForeignKey("files.id", ondelete="SET NULL"), index=True)
    file_name: Mapped[str]
    instance: Mapped[str]
    asked: Mapped[dict[str, Any]]
    state: Mapped[str]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    created: Mapped[int]
    finished: Mapped[int | None]


class KeyRow(Base):
    """An API key, of which only the fingerprint is kept."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("fingerprint"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    created: Mapped[int]
    used: Mapped[int | None]


class SessionRow(Base):
    """Somebody's visit to the page."""

    __tablename__ = "page_sessions"
    __table_args__ = (Index(None, "seen"),)

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    created: Mapped[int]
    seen: Mapped[int]
