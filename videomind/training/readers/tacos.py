"""TACoS (Regneri et al. 2013), as 2D-TAN published it (JSON, times in frames) or laid out like QVHighlights (JSONL)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.training.readers import qvhighlights
from videomind.training.readers.base import Layout, Row, json_lines, sentences

CAMERA = "-cam-002"
"""What the names of the video files add to the ids."""


def entries(path: Path) -> Iterator[tuple[str, Any]]:
    return json_lines(path) if path.suffix == ".jsonl" else sentences(path)


def row(entry: Any) -> Row:
    if not isinstance(entry, tuple):
        (video,), fields = qvhighlights.row(entry)
        return Row((video + CAMERA, video), fields)
    name, data, number = entry
    fps = data["fps"]
    start, end = data["timestamps"][number]
    video = name.removesuffix(".avi")
    fields = {
        "duration": data["num_frames"] / fps,
        "query": data["sentences"][number],
        "spans": [(start / fps, end / fps)],
    }
    return Row((video + CAMERA, video), fields)


TACOS = Layout("grounder", entries, row)
