"""Reading files of predictions: JSON and JSON Lines, never more than fits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from videomind.annotations.files import MAX_LINE, numbered_lines
from videomind.annotations.problems import problem
from videomind.errors import DataError

Checked = TypeVar("Checked", bound=BaseModel)


def numbered(path: Path, content: Any = None) -> Iterator[tuple[str, Any]]:
    """The entries of a file with their places ("entry 3", "line 3").

    Args:
        path: the file.
        content: what a JSON file holds; of a JSONL file the lines are read.

    Raises:
        DataError: it cannot be read, a line is no JSON, or the content is no list.
    """
    if path.suffix == ".jsonl":
        return ((place, parsed(path, place, line)) for place, line in numbered_lines(path))
    if not isinstance(content, list):
        raise DataError(f"{path} does not hold a list of predictions at its top")
    return ((f"entry {number}", entry) for number, entry in enumerate(content, start=1))


def parsed(path: Path, place: str, line: bytes | None) -> Any:
    """The JSON of a line.

    Raises:
        DataError: it is too long, or no JSON.
    """
    if line is None:
        raise DataError(f"{path}, {place} is longer than {MAX_LINE:,} bytes")
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}, {place} is not JSON ({error})") from None


def checked(kind: type[Checked], path: Path, place: str, entry: Any) -> Checked:
    """The entry as what it should be.

    Raises:
        DataError: it is not: which, and why.
    """
    try:
        return kind.model_validate(entry)
    except ValidationError as error:
        raise DataError(f"{path}, {place}: {problem(error)}") from None
