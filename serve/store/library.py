"""Whose videos there are."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import select, update

from videomind.serve.errors import Refused
from videomind.serve.store.blobs import Blobs, Incoming
from videomind.serve.store.database import Database
from videomind.serve.store.tables import SECOND, FileRow, now


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file turned out to be.

    Attributes:
        kind: its container: "mp4", "webm", "matroska", "avi", "mpegts", "gif", …
        codec: of its pictures.
        duration: seconds.
        fps: frames per second.
        width, height: pixels, as shown.
        frames: how many.
        playable: whether browsers play it as it is.
    """

    kind: str
    codec: str
    duration: float
    fps: float
    width: int
    height: int
    frames: int
    playable: bool


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A video in somebody's library.

    Attributes:
        id: "file-" and 24 hex digits.
        owner: whose it is.
        name: what it was called where it came from.
        sha256: its content, in hex.
        bytes: its size.
        created: when it came, in seconds since 1970.
    """

    id: str
    owner: str
    name: str
    sha256: str
    bytes: int
    info: MediaInfo
    created: int


class Library:
    """Everybody's videos; one content is on disk once, however many have it. Any thread may call."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self.blobs = database, blobs

    def known(self, owner: str, sha256: str) -> VideoFile | None:
        """This owner's entry of this content, if there is one and the file is there."""
        with self._database.reading() as session:
            row = session.scalar(select(FileRow).filter_by(owner=owner, sha256=sha256))
        return _video(row) if row is not None and self.blobs.path(row.sha256).is_file() else None

    def add(self, owner: str, name: str, incoming: Incoming, info: MediaInfo) -> VideoFile:
        """Keep what was received. The same content of the same owner stays the entry that it was.

        Raises:
            OSError: the disk is full, or broken.
        """
        sha256, time = incoming.sha256, now()
        with self.blobs.locked(sha256):
            self.blobs.keep(incoming)
            with self._database.session() as session:
                row = session.scalar(select(FileRow).filter_by(owner=owner, sha256=sha256))
                if row is None:
                    row = FileRow(
                        id=f"file-{secrets.token_hex(12)}",
                        owner=owner,
                        name=name,
                        sha256=sha256,
                        bytes=incoming.size,
                        info=asdict(info),
                        created=time,
                    )
                    session.add(row)
                row.used = time
            return _video(row)

    def get(self, owner: str, file_id: str) -> VideoFile:
        """One of this owner's.

        Raises:
            Refused: (404) this owner has no such file.
        """
        with self._database.reading() as session:
            row = session.scalar(select(FileRow).filter_by(owner=owner, id=file_id))
        if row is None:
            raise no_file(file_id)
        return _video(row)

    def entries(self, owner: str, limit: int = 100) -> list[VideoFile]:
        """This owner's, newest first."""
        query = select(FileRow).filter_by(owner=owner).order_by(FileRow.created.desc(), FileRow.id).limit(limit)
        with self._database.reading() as session:
            return [_video(row) for row in session.scalars(query)]

    def remove(self, owner: str, file_id: str) -> None:
        """Forget it; the video leaves the disk with the last owner. What was asked about it stays, with its name.

        Raises:
            Refused: (404) this owner has no such file.
        """
        sha256 = self.get(owner, file_id).sha256
        with self.blobs.locked(sha256):
            with self._database.session() as session:
                row = session.scalar(select(FileRow).filter_by(owner=owner, id=file_id))
                if row is None:
                    raise no_file(file_id)
                session.delete(row)
                last = session.scalar(select(FileRow.id).filter_by(sha256=sha256).limit(1)) is None
            if last:
                self.blobs.remove(sha256)

    def path(self, video: VideoFile) -> Path:
        """Where it is on disk.

        Raises:
            Refused: (410) it is there no more.
        """
        path = self.blobs.path(video.sha256)
        if not path.is_file():
            raise Refused(410, f"the video {video.name!r} is no longer on the server: send it again")
        return path

    def touch(self, file_id: str) -> None:
        """It was used just now; what was not used for long goes first."""
        with self._database.session() as session:
            session.execute(update(FileRow).filter_by(id=file_id).values(used=now()))


def no_file(file_id: str) -> Refused:
    """What those get who ask for a file that is not theirs, or nobody's."""
    return Refused(404, f"there is no file {file_id!r}")


def _video(row: FileRow) -> VideoFile:
    return VideoFile(
        id=row.id,
        owner=row.owner,
        name=row.name,
        sha256=row.sha256,
        bytes=row.bytes,
        info=MediaInfo(**row.info),
        created=row.created // SECOND,
    )
