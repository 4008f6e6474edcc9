"""ReXTime (Chen et al. 2024): `rextime_val.json` with options, or `rextime_val.jsonl` without them.

The JSON is a list with qid, vid, question, options, answer, ans (letter), span, category; the JSONL of the official
repository has query, duration and relevant_windows in their places, and no options: its samples can be grounded, not
asked, but keep the letter. Durations for the JSON come from `durations.json` in the folders `activitynet` and
`qvhighlights` of the published layout. Two of the 921 spans are empty: kept as annotated. Ids: qid.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.annotations.activitynet_captions import file_names
from videomind.annotations.files import json_entries, numbered_lines, parse_line
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, REXTIME, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_question, durations, main_file, samples, unique
from videomind.results import Protocol

ANNOTATIONS = {"val": "rextime/rextime_val.json"}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split], "rextime/rextime_val.jsonl")
    if file.suffix == ".jsonl":
        return unique(file, samples(file, numbered_lines(file), _without_options))
    data = file.parent.parent
    known = durations(*(data / folder / "durations.json" for folder in ("activitynet", "qvhighlights")))

    def sample(entry: Any) -> Sample:
        return Sample(
            id=entry["qid"],
            video=_names(entry["vid"]),
            question=as_question(entry["question"]),
            options=entry["options"],
            answer=entry["ans"],
            spans=(entry["span"],),
            duration=known.get(entry["vid"], entry.get("duration")),
            groups=(("task", entry["category"]),),
        )

    return unique(file, samples(file, json_entries(file), sample))


def _without_options(line: bytes | None) -> Sample:
    entry = parse_line(line)
    return Sample(
        id=entry["qid"],
        video=_names(entry["vid"]),
        question=as_question(entry["query"]),
        answer=entry["ans"],
        spans=entry["relevant_windows"],
        duration=entry["duration"],
    )


def _names(video: str) -> tuple[str, ...]:
    """Videos are ActivityNet's ("v_" and 11 characters) and QVHighlights'."""
    return file_names(video) if len(video) == 13 else (video,)


REXTIME_TASK = Task(
    name="rextime",
    title="ReXTime",
    annotations=ANNOTATIONS,
    split="val",
    videos=(
        "activitynet/videos_3fps_480_noaudio",
        "qvhighlights/videos_3fps_480_noaudio",
        "activitynet/videos",
        "qvhighlights/videos",
        "rextime/videos",
    ),
    read=read,
    variants=(REXTIME, VIDEOMIND, FIXED),
    protocol=Protocol(unit=1.0, min_crop=64.0),
    source="annotations with options https://huggingface.co/datasets/ReXTime/ReXTime, "
    "videos of ActivityNet (http://activity-net.org) and QVHighlights (https://github.com/jayleicn/moment_detr); "
    "all prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, rextime, activitynet, qvhighlights",
    licence="repository of the annotations: MIT; videos: the terms of ActivityNet, QVHighlights (not stated)",
)
