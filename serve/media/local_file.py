"""Videos on the server's own disk, below the one folder that is allowed."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from starlette.concurrency import run_in_threadpool

from videomind.serve.errors import Refused

BLOCK = 1 << 20


def open_allowed(url: str, allowed: Path | None) -> tuple[Path, IO[bytes]]:
    """The file that a `file:` URL means, and its name.

    A link may lead to another place in the folder. Whatever lies outside it is refused just as what is not there.

    Raises:
        Refused: (403) no folder is allowed, or it is no file in that folder.
    """
    if allowed is None:
        raise Refused(403, "video_url: this server takes no file: URLs; upload the video instead")
    root = allowed.resolve()
    try:
        path = _path(url).resolve(strict=True)
        return path, _open_below(root, path)
    except (OSError, ValueError, RuntimeError):
        raise Refused(403, "video_url: there is no such file in the folder that file: URLs may point to") from None


async def read(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    """Its bytes; the file is closed at the end."""
    with file:
        while block := await run_in_threadpool(file.read, BLOCK):
            yield block


def _path(url: str) -> Path:
    parts = urlsplit(url)
    path = Path(unquote(parts.path, errors="strict"))
    if parts.netloc not in ("", "localhost") or not path.is_absolute():
        raise ValueError("not a local file")
    return path


def _open_below(root: Path, path: Path) -> IO[bytes]:
    """Opened step by step, so that no folder on the way can become a link to elsewhere meanwhile."""
    *folders, name = path.relative_to(root).parts
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ValueError("not a regular file")
    return os.fdopen(number, "rb")
