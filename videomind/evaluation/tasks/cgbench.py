"""CG-Bench (Chen et al. 2024): a JSON list with question, 5 to 8 choices, right_answer (letter) and clue_intervals.

421 of the 3,000 questions of "mini" have several clue intervals, 35 have some that touch or overlap: kept as
annotated, whoever scores merges them. Five have two equal choices. Ids: qid.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.annotations.files import json_entries
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import CG_BENCH, FIXED, VIDEOMIND_CGBENCH
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_question, main_file, samples, unique

ANNOTATIONS = {"mini": "cgbench/cgbench_mini.json", "full": "cgbench/cgbench.json"}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split])
    return unique(file, samples(file, json_entries(file), _sample))


def _sample(entry: Any) -> Sample:
    video = entry["video_uid"]
    return Sample(
        id=str(entry["qid"]),
        video=(video,),
        question=as_question(entry["question"]),
        options=entry["choices"],
        answer=entry["right_answer"],
        spans=entry["clue_intervals"],
        duration=entry["duration"],
        groups=(("task", entry["sub_category"]), ("domain", entry["domain"])),
        subtitles=f"{video}.srt",
    )


CGBENCH = Task(
    name="cgbench",
    title="CG-Bench",
    annotations=ANNOTATIONS,
    split="mini",
    videos=("cgbench/videos_3fps_480_noaudio", "cgbench/videos"),
    read=read,
    variants=(CG_BENCH, VIDEOMIND_CGBENCH, FIXED),
    source="https://huggingface.co/datasets/CG-Bench/CG-Bench; "
    "prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, cgbench",
    licence="not stated in the repository; see the dataset's card",
    subtitles="cgbench/subtitles",
)
