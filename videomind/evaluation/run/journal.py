"""The file of predictions: one line a finished sample, on disk before anything else happens."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from videomind.errors import InputError
from videomind.whole_file import replacing

Line = dict[str, Any]
"""What is known of a finished sample (docs/evaluation.md); it has an "id"."""
NAME = "predictions.jsonl"


class Journal:
    """Appends lines to a file, and knows the last one of each id. One process at a time may have it open.

    Args:
        path: the file. A last line that a killed run did not finish is dropped.

    Raises:
        InputError: another run writes to it, it is no file of predictions, or the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, Line] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror or error}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise InputError(f"{path}: another run is writing to it; wait for it, or take another --output") from None
        try:
            self._read()
        except InputError:
            self._file.close()
            raise

    def append(self, lines: Sequence[Line]) -> None:
        """Write lines; they are on disk when this returns."""
        self._write(b"".join(map(_encoded, lines)))
        self.lines |= {line["id"]: line for line in lines}

    def sort(self, ids: Iterable[str]) -> None:
        """Replace the file by one that holds the last line of each id, in this order."""
        kept = [self.lines[one] for one in ids if one in self.lines]
        with replacing(self.path) as partial, partial.open("wb") as file:
            file.writelines(map(_encoded, kept))
            file.flush()
            os.fsync(file.fileno())

    def close(self) -> None:
        with suppress(OSError):  # what could not be written was told when it was
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> None:
        self._file.seek(0)
        whole = 0
        for number, raw in enumerate(self._file, start=1):
            if not raw.endswith(b"\n"):
                break
            try:
                line = json.loads(raw)
                self.lines[line["id"]] = line
            except (ValueError, KeyError, TypeError, RecursionError):
                raise InputError(f"{self.path}, line {number} is no prediction: take another --output") from None
            whole += len(raw)
        self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise InputError(
                f"cannot write {self.path}: {error.strerror or error}; once there is room, the same command goes on"
            ) from None


def _encoded(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
