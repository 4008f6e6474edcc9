"""Videos on disk by their content: there whole or not at all, whenever the power goes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from videomind.errors import InputError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SUFFIX = re.compile(r"(\.[a-z0-9]+)+")
MAKING = ".making-"
"""How the names of folders begin in which something is being derived."""
_OURS = re.compile(r"(\.?)([0-9a-f]{64})(\..+)?")


class Incoming:
    """A file that is being received. One thread at a time writes.

    Attributes:
        path: where it is meanwhile; what was written can be read there at once.
        size: bytes so far.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path, self.size = path, 0
        self._file, self._digest = file, hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of what has come so far, in hex."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            OSError: the disk is full, or broken.
        """
        self._file.write(data)
        self._file.flush()
        self._digest.update(data)
        self.size += len(data)

    def sync(self) -> None:
        """Have it on the disk itself."""
        os.fsync(self._file.fileno())


@dataclass(frozen=True, slots=True)
class Stored:
    """What there is of one content.

    Attributes:
        bytes: on disk, with all that was derived from it.
        modified: when any of it was last written, in seconds since 1970.
        whole: whether the video itself is there.
    """

    bytes: int = 0
    modified: float = 0.0
    whole: bool = False


class Blobs:
    """`root/videos/ab/abcdef…` and what is on its way in `root/incoming/`. Several servers may share a root.

    Args:
        root: made where missing, for this user alone. What died servers left half-received is removed.

    Raises:
        InputError: the folder cannot be used.
    """

    def __init__(self, root: Path) -> None:
        self._videos, self._incoming = root / "videos", root / "incoming"
        try:
            for folder in (root, self._videos, self._incoming):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._drop_abandoned()
        except OSError as error:
            raise InputError(f"cannot keep videos in {root}: {error.strerror}; give another folder") from error

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """A file to receive into; gone afterwards unless `keep` took it.

        Raises:
            OSError: the disk is full, or broken.
        """
        file, path = self._locked_file()
        try:
            yield Incoming(path, file)
        finally:
            path.unlink(missing_ok=True)
            file.close()

    def keep(self, incoming: Incoming) -> Path:
        """Put what was received in its place; where that content is already, it stays as it is.

        Raises:
            OSError: the disk is full, or broken.
        """
        home = self.path(incoming.sha256)
        self._folder(incoming.sha256)
        if not (home.is_file() and home.stat().st_size == incoming.size):
            incoming.sync()
            os.replace(incoming.path, home)
        _sync_folder(home.parent)
        return home

    def path(self, sha256: str) -> Path:
        """Where the video of this content is, or would be."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError("a content is named by 64 hex digits")
        return self._videos / sha256[:2] / sha256

    def derived(self, sha256: str, suffix: str) -> Path:
        """Where to keep what was made from it: `suffix` tells them apart (".play.mp4"). It goes with the video."""
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"a suffix is like .play.mp4, not {suffix!r}")
        return self.path(sha256).with_name(sha256 + suffix)

    def remove(self, sha256: str) -> None:
        """Delete it, and what was derived from it. Who reads it at the moment may go on."""
        home = self.path(sha256)
        if not home.parent.is_dir():
            return
        home.unlink(missing_ok=True)
        for path in [*home.parent.glob(f"{sha256}.*"), *home.parent.glob(f".{sha256}.*")]:
            path.unlink(missing_ok=True)

    @contextmanager
    def locked(self, sha256: str) -> Iterator[None]:
        """While file and database change together: nobody else does so with this content, in any process."""
        folder = os.open(self._folder(sha256), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def stored(self) -> dict[str, Stored]:
        """All there is, by content."""
        found: dict[str, Stored] = {}
        for path, sha256, is_video in self._files():
            with suppress(FileNotFoundError):
                status = path.stat()
                known = found.get(sha256, Stored())
                found[sha256] = Stored(
                    known.bytes + status.st_size,
                    max(known.modified, status.st_mtime),
                    known.whole or is_video,
                )
        return found

    def drop_unfinished(self, before: float) -> None:
        """Remove what began to be derived and was last written before this time (seconds since 1970)."""
        for path, _, _ in self._files():
            with suppress(FileNotFoundError):
                if path.name.startswith(".") and path.stat().st_mtime < before:
                    path.unlink()
        for folder in self._videos.glob(f"??/{MAKING}*"):
            with suppress(FileNotFoundError):
                if max(path.stat().st_mtime for path in (folder, *folder.iterdir())) < before:
                    shutil.rmtree(folder)

    def _files(self) -> Iterator[tuple[Path, str, bool]]:
        """Every file under `videos`, the content it belongs to, and whether it is the video itself."""
        for path in self._videos.glob("??/*"):
            if match := _OURS.fullmatch(path.name):
                yield path, match[2], path.name == match[2]

    def _folder(self, sha256: str) -> Path:
        folder = self.path(sha256).parent
        if not folder.is_dir():
            folder.mkdir(exist_ok=True, mode=0o700)
            _sync_folder(self._videos)
        return folder

    def _locked_file(self) -> tuple[IO[bytes], Path]:
        """A new file that is locked as long as it is open, by which others see that it is not abandoned."""
        while True:
            number, name = tempfile.mkstemp(dir=self._incoming)
            file, path = os.fdopen(number, "wb"), Path(name)
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists():  # else a server that just started took it for abandoned, before it was locked
                return file, path
            file.close()

    def _drop_abandoned(self) -> None:
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
