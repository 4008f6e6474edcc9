"""LongVideoBench (Wu et al. 2024): a JSON list with id, video_id, video_path, question, candidates, correct_choice.

correct_choice is a number from 0; the test split has none. Videos that are not from YouTube have ids that begin with
"@"; their files are called by the last 19 characters in the published layout. Ids: id.
Subtitles are published as JSON, which is none of the formats read here: no sample names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from videomind.annotations.files import json_entries
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, LONGVIDEOBENCH, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_question, main_file, samples, unique

ANNOTATIONS = {"val": "longvideobench/lvb_val.json", "test": "longvideobench/lvb_test_wo_gt.json"}
GROUPS = ("duration_group", "question_category", "level", "topic_category")


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split])
    return unique(file, samples(file, json_entries(file), _sample))


def _sample(entry: Any) -> Sample:
    video, right = entry["video_id"], entry.get("correct_choice")
    short = video[-19:] if video.startswith("@") else video
    names = dict.fromkeys((short, video, entry.get("video_path", video)))
    return Sample(
        id=entry["id"],
        video=tuple(names),
        question=as_question(entry["question"]),
        options=entry["candidates"],
        answer=None if right is None else ascii_uppercase[right],
        duration=entry.get("duration"),
        groups=(
            ("task", str(entry["duration_group"])),
            *((kind, str(entry[kind])) for kind in GROUPS if kind in entry),
        ),
    )


LONGVIDEOBENCH_TASK = Task(
    name="longvideobench",
    title="LongVideoBench",
    annotations=ANNOTATIONS,
    split="val",
    videos=("longvideobench/videos_3fps_480_noaudio", "longvideobench/videos"),
    read=read,
    variants=(LONGVIDEOBENCH, VIDEOMIND, FIXED),
    source="https://huggingface.co/datasets/longvideobench/LongVideoBench; "
    "prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, longvideobench",
    licence="CC BY-NC-SA 4.0",
)
