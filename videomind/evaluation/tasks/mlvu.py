"""MLVU dev (Zhou et al. 2024): a JSON list per task with video, question, candidates, answer, question_type, duration.

Its seven multiple-choice tasks are read (2,175 questions); 8_sub_scene and 9_summary ask for free text that a model
grades, and are left out. The answers of needle_4 and needle_5 are none of their candidates: their samples have no
answer, so no reply is right. Some questions have equal or empty candidates, one is empty itself: kept as published.
Ids: task, video and running number, "plotQA_movie101_66_0".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from videomind.annotations.files import json_entries
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, MLVU, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_question, letter, main_file, numbered, samples

ANNOTATIONS = {"dev": "mlvu/json"}
FOLDERS = {
    "plotQA": "1_plotQA",
    "findNeedle": "2_needle",
    "ego": "3_ego",
    "count": "4_count",
    "order": "5_order",
    "anomaly_reco": "6_anomaly_reco",
    "topic_reasoning": "7_topic_reasoning",
}
"""Task → its file and its folder of videos."""


def read(path: Path, split: str) -> Iterator[Sample]:
    """Of all tasks; of one where `path` is its file."""
    if path.is_file():
        files = [path]
    else:
        folder = main_file(path, f"{ANNOTATIONS[split]}/1_plotQA.json").parent
        files = [folder / f"{name}.json" for name in FOLDERS.values()]
    return numbered(chain.from_iterable(samples(file, json_entries(file), _sample) for file in files))


def _sample(entry: Any) -> Sample:
    task, video, options = entry["question_type"], entry["video"], entry["candidates"]
    return Sample(
        id=f"{task}_{PurePosixPath(video).stem}",
        video=(f"{FOLDERS[task]}/{video}", video),
        question=as_question(entry["question"]),
        options=options,
        answer=letter(options, entry["answer"]),
        duration=entry["duration"],
        groups=(("task", task),),
    )


MLVU_TASK = Task(
    name="mlvu",
    title="MLVU",
    annotations=ANNOTATIONS,
    split="dev",
    videos=("mlvu/video", "mlvu/videos"),
    read=read,
    variants=(MLVU, VIDEOMIND, FIXED),
    source="annotations https://github.com/JUNJIE99/MLVU (data), "
    "videos https://huggingface.co/datasets/MLVU/MVLU; "
    "both prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, mlvu",
    licence="CC BY-NC-SA 4.0; videos: their owners'",
)
