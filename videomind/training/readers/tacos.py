"""TACoS, as 2D-TAN published it (JSON, times in frames) or laid out like QVHighlights (JSONL)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from videomind.annotations.activitynet_captions import Sentence, sentences
from videomind.annotations.files import numbered_lines
from videomind.annotations.tacos import file_names, in_seconds
from videomind.training.readers import qvhighlights
from videomind.training.readers.base import Layout, Row


def entries(path: Path) -> Iterator[tuple[str, Sentence | bytes | None]]:
    return numbered_lines(path) if path.suffix == ".jsonl" else sentences(path)


def row(entry: Sentence | bytes | None) -> Row:
    if not isinstance(entry, Sentence):
        (video,), fields = qvhighlights.row(entry)
        return Row(file_names(video), fields)
    video, text, start, end, duration = in_seconds(entry)
    return Row(file_names(video), {"duration": duration, "query": text, "spans": [(start, end)]})


TACOS = Layout("grounder", entries, row)
