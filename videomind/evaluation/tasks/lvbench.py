"""LVBench (Wang et al. 2024): `video_info.meta.jsonl`, a video per line with its questions.

A line has key (YouTube id), type, and qa: a list of uid, question (whose further lines are the options "(A) …"),
answer (letter), question_type (a list: a question counts under each) and time_reference. Ids: uid. The note
time_reference ("00:15-00:19") is not read as a span: neither the official nor the published score is about spans.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from videomind.annotations.files import numbered_lines, parse_line
from videomind.annotations.problems import NOT_AS_PUBLISHED
from videomind.errors import DataError
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, LVBENCH, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_question, main_file, samples, unique

ANNOTATIONS = {"test": "lvbench/LVBench/video_info.meta.jsonl"}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split], "lvbench/video_info.meta.jsonl", "data/video_info.meta.jsonl")
    return unique(file, samples(file, _questions(file), _sample))


def _questions(path: Path) -> Iterator[tuple[str, Any]]:
    for place, line in numbered_lines(path):
        try:
            video = parse_line(line)
            questions = list(video["qa"])
        except NOT_AS_PUBLISHED as error:
            raise DataError(f"{path}, {place} is not as published: {error!r}") from None
        for number, question in enumerate(questions, start=1):
            yield f"{place}, question {number}", (video, question)


def _sample(entry: Any) -> Sample:
    video, asked = entry
    question, *lines = asked["question"].split("\n")
    if not lines or any(not line.startswith(f"({at}) ") for at, line in zip(ascii_uppercase, lines, strict=False)):
        raise ValueError('the lines after the question are not "(A) …", "(B) …", …')
    return Sample(
        id=str(asked["uid"]),
        video=(video["key"],),
        question=as_question(question),
        options=tuple(line[4:] for line in lines),
        answer=asked["answer"],
        groups=(*(("task", label) for label in asked["question_type"]), ("type", video["type"])),
        notes={"time_reference": asked.get("time_reference")},
    )


LVBENCH_TASK = Task(
    name="lvbench",
    title="LVBench",
    annotations=ANNOTATIONS,
    split="test",
    videos=("lvbench/videos_3fps_480_noaudio", "lvbench/videos"),
    read=read,
    variants=(LVBENCH, VIDEOMIND, FIXED),
    source="annotations https://huggingface.co/datasets/THUDM/LVBench, videos from YouTube by their ids "
    "(https://github.com/THUDM/LVBench has a script); "
    "both prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, lvbench",
    licence="CC BY-NC-SA 4.0; videos: their owners'",
)
