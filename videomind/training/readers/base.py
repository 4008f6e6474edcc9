"""What a reader of published annotations is: a way to cut a file into entries, and an entry into a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


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
        row: what an entry says. Raises `NOT_AS_PUBLISHED` on one that is malformed.
    """

    role: str
    entries: Callable[[Path], Iterator[tuple[str, Any]]]
    row: Callable[[Any], Row]
