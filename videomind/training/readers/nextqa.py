"""NExT-QA (Xiao et al. 2021) as planning data: a CSV with video, question, type and more columns.

The type decides the route: what is asked about an action, a cause or an order in time (types C…, T…) is grounded
with the question itself; what describes the whole video (types D…) is answered at once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.errors import DataError
from videomind.training.readers.base import Layout, Row

ROUTES = {"C": "ground", "T": "ground", "D": "answer"}
"""First letter of a question's type → route."""


def entries(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            for entry in rows:
                yield f"line {rows.line_num}", entry
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path} as CSV: {error}; give the file as it was published") from None


def row(entry: Any) -> Row:
    """NExT-GQA calls the first column "video_id"."""
    question = as_question(entry["question"])
    kind = entry["type"]
    if kind[:1] not in ROUTES:
        raise ValueError(f"type {kind!r} is none of C…, T…, D…")
    route = ROUTES[kind[:1]]
    fields = {"question": question, "route": route} | ({"query": question} if route == "ground" else {})
    return Row((entry["video_id"] if "video_id" in entry else entry["video"],), fields)


def as_question(text: str) -> str:
    """ "why did he run" as people write it: "Why did he run?"."""
    text = text.strip()
    return text[:1].upper() + text[1:].rstrip("?") + "?"


NEXTQA_PLANNING = Layout("planner", entries, row)
