"""Charades-STA (Gao et al. 2017): lines "<video> <start> <end>##<sentence>", in seconds. Durations are not in it."""

from __future__ import annotations

from videomind.training.jsonl import numbered_lines
from videomind.training.readers.base import Layout, Row


def row(line: bytes | None) -> Row:
    if line is None:
        raise ValueError("it is too long")
    where, mark, sentence = line.decode().partition("##")
    words = where.split()
    if not mark or len(words) != 3:
        raise ValueError('it is not "<video> <start> <end>##<sentence>"')
    video, start, end = words
    return Row((video,), {"query": sentence, "spans": [(float(start), float(end))]})


CHARADES_STA = Layout("grounder", numbered_lines, row)
