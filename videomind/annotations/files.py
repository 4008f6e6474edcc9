"""Files of annotations, cut into entries with their places; never more than fits."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.errors import DataError

MAX_BYTES = 512 * 2**20
"""Largest file that is read as a whole."""
MAX_LINE = 2**20
"""Bytes of the longest line that is read."""
_BOM = b"\xef\xbb\xbf"


def numbered_lines(path: Path) -> Iterator[tuple[str, bytes | None]]:
    """The lines that are not blank, as ("line 7", text); None stands for one beyond `MAX_LINE`.

    They are not parsed, so that one that is malformed costs itself alone.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                whole = len(line) <= MAX_LINE
                while not line.endswith(b"\n") and (rest := file.readline(MAX_LINE)):
                    line = rest
                text = line.removeprefix(_BOM).strip() if whole else None
                if text != b"":
                    yield f"line {number}", text
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; give a file of records") from None


def parse_line(line: bytes | None) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        ValueError: it is too long, or no JSON object.
    """
    if line is None:
        raise ValueError("it is too long")
    parsed = json.loads(line)
    if not isinstance(parsed, dict):
        raise ValueError("it is no JSON object")
    return parsed


def json_content(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: it cannot be read, is too large, or is no JSON.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES // 2**20} MB: split it, or give JSON Lines")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; give the file as it was published") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}): give the file as it was published") from None


def json_file(path: Path, kind: type) -> Any:
    """The content of a JSON file that holds an object (`dict`) or a list at its top.

    Raises:
        DataError: as `json_content`, or it holds another kind of value.
    """
    content = json_content(path)
    if not isinstance(content, kind):
        wanted = "an object" if kind is dict else "a list"
        raise DataError(f"{path} does not hold {wanted} at its top: give the file as it was published")
    return content


def json_entries(path: Path) -> Iterator[tuple[str, Any]]:
    """The entries of a JSON list, as ("entry 1", entry).

    Raises:
        DataError: as `json_file`.
    """
    for number, entry in enumerate(json_file(path, list), start=1):
        yield f"entry {number}", entry


def csv_rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a CSV file with a header, as ("line 2", column → text).

    Raises:
        DataError: it cannot be read, or is no CSV.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            for row in rows:
                yield f"line {rows.line_num}", row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path} as CSV: {error}; give the file as it was published") from None
