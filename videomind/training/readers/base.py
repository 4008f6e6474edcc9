"""What a reader of published annotations is: a way to cut a file into entries, and an entry into a record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from videomind.errors import DataError
from videomind.training.jsonl import numbered_lines

MAX_BYTES = 512 * 2**20
"""Largest file that is read as a whole."""


class Row(NamedTuple):
    """A record to be: names its video may have, the likeliest first, and its fields but for the video."""

    names: tuple[str, ...]
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """A published layout of annotations.

    Attributes:
        role: whose records they become.
        entries: cuts the file into entries with their places. Raises DataError on a file that has none.
        row: what an entry says. Raises LookupError, TypeError, ValueError or ArithmeticError on one that is malformed.
    """

    role: str
    entries: Callable[[Path], Iterator[tuple[str, Any]]]
    row: Callable[[Any], Row]


def json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """The lines of a JSONL file; not yet parsed, so that one that is malformed costs itself alone."""
    yield from numbered_lines(path)


def json_file(path: Path, kind: type) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: it cannot be read, is no JSON, or holds another kind of value at its top.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES // 2**20} MB: split it")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; give the file of annotations") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON ({error}): give the file as it was published") from None
    if not isinstance(content, kind):
        wanted = "an object" if kind is dict else "a list"
        raise DataError(f"{path} does not hold {wanted} at its top: give the file as it was published")
    return content


def sentences(path: Path) -> Iterator[tuple[str, Any]]:
    """The entries of {video: {"timestamps": [[start, end], …], "sentences": […], …}}, as (video, its data, number)."""
    for video, data in json_file(path, dict).items():
        count = len(data["sentences"]) if isinstance(data, dict) and isinstance(data.get("sentences"), list) else 1
        for number in range(count):
            yield f"{video}, sentence {number + 1}", (video, data, number)


def parse_line(line: bytes | None) -> Any:
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
