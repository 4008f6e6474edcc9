"""Charades-STA: a record per line. Durations are not in it."""

from __future__ import annotations

from videomind.annotations.charades_sta import parse
from videomind.annotations.files import numbered_lines
from videomind.training.readers.base import Layout, Row


def row(line: bytes | None) -> Row:
    video, span, sentence = parse(line)
    return Row((video,), {"query": sentence, "spans": [span]})


CHARADES_STA = Layout("grounder", numbered_lines, row)
