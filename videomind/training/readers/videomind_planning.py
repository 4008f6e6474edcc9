"""The planning data of VideoMind (arXiv 2503.13444), made from NExT-QA and QVHighlights.

JSONL with video_path, question, route and, for the routes 1 and 3, the rephrased query. The routes are: 1 = ground the
query, then answer; 2 = ground the question, then answer; 3 = ground the query only; 4 = answer. The chain follows the
first step of a plan alone, so 3 becomes the same record as 1.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from videomind.annotations.files import numbered_lines, parse_line
from videomind.training.readers.base import Layout, Row


def row(line: bytes | None) -> Row:
    entry = parse_line(line)
    question, route = entry["question"], entry["route"]
    if route not in (1, 2, 3, 4):
        raise ValueError(f"route {route!r} is none of 1, 2, 3, 4")
    fields = {"duration": entry.get("duration"), "question": question, "route": "answer" if route == 4 else "ground"}
    if route != 4:
        fields["query"] = question if route == 2 else entry["query"]
    video = PurePosixPath(entry["video_path"])
    return Row((video.name, video.stem), fields)


VIDEOMIND_PLANNING = Layout("planner", numbered_lines, row)
