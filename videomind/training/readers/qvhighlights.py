"""QVHighlights (Lei et al. 2021): JSONL with qid, query, duration, vid, relevant_windows."""

from __future__ import annotations

from videomind.annotations.files import numbered_lines, parse_line
from videomind.training.readers.base import Layout, Row


def row(line: bytes | None) -> Row:
    """All windows of a query are spans of one record."""
    entry = parse_line(line)
    fields = {"duration": entry["duration"], "query": entry["query"], "spans": entry["relevant_windows"]}
    return Row((entry["vid"],), fields)


QVHIGHLIGHTS = Layout("grounder", numbered_lines, row)
