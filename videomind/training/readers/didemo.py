"""DiDeMo (Hendricks et al. 2017): a JSON list; times are numbers of 5-second segments, the last one included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from videomind.roles.spans import temporal_iou
from videomind.training.readers.base import Layout, Row, json_file

SEGMENT = 5.0
"""Seconds."""


def entries(path: Path) -> Iterator[tuple[str, Any]]:
    for number, entry in enumerate(json_file(path, list), start=1):
        yield f"entry {number}", entry


def row(entry: Any) -> Row:
    """Of the spans of several annotators the one that agrees best with all of them.

    (The published system takes the mean of their starts and ends, which can be a span that nobody meant.)
    """
    spans = [(first * SEGMENT, (last + 1) * SEGMENT) for first, last in entry["times"]]
    agreed = max(spans, key=lambda span: sum(temporal_iou(span, other) for other in spans))
    video = PurePosixPath(entry["video"])
    names = (video.name, video.stem, video.name.split(".")[0])
    return Row(names, {"query": entry["description"], "spans": [agreed]})


DIDEMO = Layout("grounder", entries, row)
