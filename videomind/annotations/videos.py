"""Finding the videos that published annotations call by an id."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from videomind.errors import DataError

SUFFIXES = frozenset(
    {".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".mts", ".m2ts"}
    | {".wmv", ".flv", ".3gp", ".3g2", ".gif"}
)


class VideoFolder:
    """The videos in a folder and in its sub-folders of one level, by file name and by file name without suffix.

    Where two have one name, the one in the folder itself counts, else that of the first sub-folder.

    Raises:
        DataError: the folder cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[str, str] = {}
        for path in _videos(root):
            self._found.setdefault(path.name, str(path))
            self._found.setdefault(path.stem, str(path))

    def find(self, names: Iterable[str]) -> str | None:
        """The path of the first that is there, relative to the folder, or None."""
        return next((self._found[name] for name in names if name in self._found), None)


def _videos(root: Path) -> Iterator[PurePosixPath]:
    """Paths relative to the root, those of the root itself first."""
    folders = [PurePosixPath(".")]
    for folder in folders:
        try:
            entries = sorted(os.scandir(root / folder), key=lambda entry: entry.name)
        except OSError as error:
            raise DataError(f"cannot read the folder {root / folder}: {error.strerror or error}") from None
        for entry in entries:
            if entry.is_dir() and folder == PurePosixPath("."):
                folders.append(folder / entry.name)
            elif entry.is_file() and PurePosixPath(entry.name).suffix.lower() in SUFFIXES:
                yield folder / entry.name
