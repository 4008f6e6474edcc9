"""Videos as a server knows them: each content is sent once, however often it is asked about."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

from videomind.client.server import Server
from videomind.errors import Cancelled, InputError, VideoError

PIECE = 1 << 20
SCHEMES = frozenset({"http", "https", "file", "data"})
_FILE_ID = re.compile(r"file-[0-9a-f]{24}")


class _Content(NamedTuple):
    """What tells one state of a file from another without reading it."""

    device: int
    inode: int
    bytes: int
    changed_ns: int


class SentFiles:
    """Which files the server has, by what was seen of them. Threads may share it: one of them sends at a time."""

    def __init__(self, server: Server) -> None:
        self._server, self._lock = server, Lock()
        self._ids: dict[_Content, str] = {}

    def url_of(self, video: object, cancel: Flag | None = None) -> str:
        """What stands for a video in a request; a file of ours is sent first, if the server does not have it.

        Args:
            video: a path, the id of a file on the server ("file-…"), or a URL that the server may open.
            cancel: set this event to stop sending.

        Raises:
            InputError: frames or an open reader, which cannot be sent.
            VideoError: there is no such file, or the server does not take it.
            Cancelled: the cancel event was set.
        """
        if is_on_server(video):
            return str(video)
        path = _path(video)
        with self._lock:
            content = _look(path)
            if content not in self._ids:
                self._ids[content] = self._known(path, cancel) or self._send(path, cancel)
            return self._ids[content]

    def forget(self, video: object) -> None:
        """The server no longer has this file."""
        with self._lock:
            self._ids.pop(_look(_path(video)), None)

    def _known(self, path: Path, cancel: Flag | None) -> str | None:
        digest = hashlib.sha256()
        for piece in _pieces(path, cancel):
            digest.update(piece)
        found = self._server.call("GET", "/v1/files", params={"sha256": digest.hexdigest()})["data"]
        return str(found[0]["id"]) if found else None

    def _send(self, path: Path, cancel: Flag | None) -> str:
        try:
            sent = self._server.call("POST", "/v1/files", params={"name": path.name}, content=_pieces(path, cancel))
        except InputError as error:  # it has just told us what it has: what it refuses is this file
            raise VideoError(str(error)) from error
        return str(sent["id"])


def is_on_server(video: object) -> bool:
    """Whether a video is named as the server knows it: by the id of a file, or by a URL."""
    return isinstance(video, str) and (_FILE_ID.fullmatch(video) is not None or urlsplit(video).scheme in SCHEMES)


def _path(video: object) -> Path:
    if not isinstance(video, str | os.PathLike):
        raise InputError(
            f"a {type(video).__name__} cannot be sent to a server: give the path of a video file, the id of a file "
            'on the server ("file-…") or a URL'
        )
    return Path(video)


def _look(path: Path) -> _Content:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise VideoError(f"{path}: {reason}; give the path of a video file") from error
    if path.is_dir():
        raise InputError(f"{path}: a folder of frames cannot be sent to a server: make a video file of it")
    return _Content(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _pieces(path: Path, cancel: Flag | None) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                if cancel is not None and cancel.is_set():
                    raise Cancelled("cancelled")
                yield piece
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror}") from error
