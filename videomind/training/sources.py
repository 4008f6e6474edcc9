"""Where the records of a run come from: JSONL files, folders of `videomind synth`, published annotations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from videomind.errors import DataError, InputError
from videomind.training.jsonl import read_records
from videomind.training.readers import LAYOUTS, read_annotations
from videomind.training.record_set import RecordSet

_TEXT = re.compile(r"(?:(?P<layout>[a-z][a-z0-9-]*)=)?(?P<path>.+?)(?::(?P<weight>\d+(?:\.\d*)?|\.\d+))?", re.DOTALL)
FILES = {
    "planner": "planning.jsonl",
    "grounder": "grounding.jsonl",
    "verifier": "verifying.jsonl",
    "answerer": "answering.jsonl",
    "base": "answering.jsonl",
}
"""The file of each role in a folder made by `videomind synth`."""


class SourceConfig(BaseModel):
    """One data set.

    Attributes:
        path: a JSONL file of records, a folder that holds one for each role, or a published file.
        layout: the published layout of the file (a key of `LAYOUTS`); None = records.
        videos: folder that the videos' paths start from; None = the run's.
        weight: how often it is seen in an epoch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    path: Path
    layout: str | None = None
    videos: Path | None = None
    weight: float = Field(default=1.0, gt=0, le=1000)


def parse_source(given: Any) -> Any:
    """The fields of a `SourceConfig` in "PATH", "PATH:0.5" or "charades-sta=PATH:2"; anything else as it is."""
    if not isinstance(given, str):
        return given
    if Path(given).exists():
        return {"path": given}
    match = _TEXT.fullmatch(given)
    if match is None:
        raise ValueError("give PATH, PATH:WEIGHT or LAYOUT=PATH:WEIGHT")
    return {name: value for name, value in match.groupdict().items() if value is not None}


def read_sources(sources: Sequence[SourceConfig], role: str, videos: Path | None) -> list[RecordSet]:
    """The records of every source.

    Args:
        sources: at least one.
        role: whose records they are, a key of `RECORDS`.
        videos: the folder of the videos where a source names none.

    Raises:
        DataError: one cannot be read or holds nothing for this role.
        InputError: a published layout without folder of videos, or for another role.
    """
    return [_read(source, role, source.videos or videos) for source in sources]


def _read(source: SourceConfig, role: str, videos: Path | None) -> RecordSet:
    if source.layout is None:
        return read_records(data_file(source.path, role), role, videos)
    if source.layout not in LAYOUTS:
        raise InputError(f"no layout is called {source.layout!r}: choose from {', '.join(LAYOUTS)}")
    if LAYOUTS[source.layout].role != role:
        raise InputError(f"{source.layout} is data for the {LAYOUTS[source.layout].role}, not for the {role}")
    if videos is None:
        raise InputError(f"{source.path}: published annotations need the folder of the videos: --videos DIR")
    return read_annotations(source.layout, source.path, videos)


def data_file(path: Path, role: str) -> Path:
    """The file itself, or a folder's file for the role.

    Raises:
        DataError: it is a folder without one.
    """
    if not path.is_dir():
        return path
    file = path / FILES[role]
    if not file.is_file():
        raise DataError(f"{path} holds no {file.name}: give a folder made by `videomind synth`, or a JSONL file")
    return file
