"""NExT-QA (Xiao et al. 2021) as planning data: a CSV with video, question, type and more columns.

The type decides the route: what is asked about an action, a cause or an order in time (types C…, T…) is grounded
with the question itself; what describes the whole video (types D…) is answered at once.
"""

from __future__ import annotations

from videomind.annotations.files import csv_rows
from videomind.training.readers.base import Layout, Row

ROUTES = {"C": "ground", "T": "ground", "D": "answer"}
"""First letter of a question's type → route."""


def row(entry: dict[str, str]) -> Row:
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


NEXTQA_PLANNING = Layout("planner", csv_rows, row)
