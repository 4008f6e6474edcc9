"""NExT-GQA (Xiao et al. 2024): a CSV of questions with five options, and true spans in `gsub_<split>.json` beside it.

`map_vid_vidorID.json` beside it says in which folder a video lies ("0101/2909445186"). The answer is a text; where
two options have it (video 3842638015, question 4 of the test split), the first counts. Two more test questions and
one of val have two equal options. 591 test questions have several spans. Ids: "<video_id>_<qid>".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.annotations.files import csv_rows, json_file
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, NEXT_GQA, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_question, letter, main_file, samples, unique
from videomind.results import Protocol

ANNOTATIONS = {"test": "nextgqa/test.csv", "val": "nextgqa/val.csv"}
OPTIONS = ("a0", "a1", "a2", "a3", "a4")


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split])
    if file.suffix == ".json":  # the true spans, which is what the official script is given
        file = file.with_name(f"{file.stem.removeprefix('gsub_')}.csv")
    truth = json_file(file.with_name(f"gsub_{file.stem}.json"), dict)
    folders = json_file(file.with_name("map_vid_vidorID.json"), dict)

    def sample(row: Any) -> Sample:
        video, number = row["video_id"], row["qid"]
        options = [row[key] for key in OPTIONS]
        return Sample(
            id=f"{video}_{number}",
            video=(folders[video], video),
            question=as_question(row["question"].capitalize() + "?"),
            options=tuple(options),
            answer=letter([option.capitalize() for option in options], row["answer"].capitalize()),
            spans=truth[video]["location"][number],
            duration=truth[video]["duration"],
            groups=(("task", row["type"]),),
            notes={"video_id": video, "qid": number},
        )

    return unique(file, samples(file, csv_rows(file), sample))


NEXTGQA = Task(
    name="nextgqa",
    title="NExT-GQA",
    annotations=ANNOTATIONS,
    split="test",
    videos=("nextqa/videos", "nextqa/NExTVideo", "nextgqa/videos"),
    read=read,
    variants=(NEXT_GQA, VIDEOMIND, FIXED),
    protocol=Protocol(unit=0.1),
    source="annotations https://github.com/doc-doc/NExT-GQA (datasets/nextgqa), "
    "videos https://github.com/doc-doc/NExT-QA; "
    "both prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, nextgqa and nextqa",
    licence="repository of the annotations: MIT; videos: from VidOR (YFCC100M), under their own terms",
)
