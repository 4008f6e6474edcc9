"""Files a command writes: checked before the work starts, never left half-written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videomind.errors import InputError
from videomind.whole_file import replacing


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that can be written. Make one with `output_file`."""

    what: str
    path: Path

    @contextmanager
    def replacing(self) -> Iterator[Path]:
        """A path beside it to write to; on success that file takes its place, on failure it is removed.

        Raises:
            InputError: the disk refuses.
        """
        try:
            with replacing(self.path) as partial:
                yield partial
        except OSError as error:
            raise InputError(f"cannot write {self.path}: {error.strerror or error}") from error

    def write_json(self, data: dict[str, Any]) -> None:
        """Write JSON, as `replacing`."""
        with self.replacing() as partial:
            partial.write_text(json_text(data) + "\n", encoding="utf-8")


def output_file(what: str, path: Path, suffixes: tuple[str, ...], inputs: tuple[Path, ...] = ()) -> OutputFile:
    """Checks that a file can be written before anything is computed for it.

    Args:
        what: the option it was given with, for errors.
        path: the file; it may exist and is then replaced.
        suffixes: those allowed, with their dots.
        inputs: files that it must not replace.

    Raises:
        InputError: its suffix is another, its folder is missing or not writable, it is an input or a folder.
    """
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{what} {path}: the name must end in {' or '.join(suffixes)}")
    if path.is_dir():
        raise InputError(f"{what} {path} is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"{what} {path}: there is no folder {path.parent}: create it first")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise InputError(f"{what} {path} cannot be written: choose another place or change its permissions")
    if path.exists() and any(other.exists() and path.samefile(other) for other in inputs):
        raise InputError(f"{what} {path} would replace an input: choose another name")
    return OutputFile(what, path)


def json_text(data: dict[str, Any]) -> str:
    """Readable JSON; a file name that is no valid Unicode stays readable JSON too."""
    return json.dumps(data, ensure_ascii=False, indent=2).encode(errors="backslashreplace").decode()
