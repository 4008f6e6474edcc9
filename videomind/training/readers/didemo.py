"""DiDeMo: a record per description, with one span of its annotators'."""

from __future__ import annotations

from typing import Any

from videomind.annotations.didemo import SEGMENT, file_names
from videomind.annotations.files import json_entries
from videomind.roles.spans import temporal_iou
from videomind.training.readers.base import Layout, Row


def row(entry: Any) -> Row:
    """Of the spans of several annotators the one that agrees best with all of them.

    (The published system takes the mean of their starts and ends, which can be a span that nobody meant.)
    """
    spans = [(first * SEGMENT, (last + 1) * SEGMENT) for first, last in entry["times"]]
    agreed = max(spans, key=lambda span: sum(temporal_iou(span, other) for other in spans))
    return Row(file_names(entry["video"]), {"query": entry["description"], "spans": [agreed]})


DIDEMO = Layout("grounder", json_entries, row)
