"""ActivityNet-RTL (LITA, Huang et al. 2024): a JSON list with vid, question, answer, duration, question_id.

The true span stands in the answer, as its first two numbers in angle brackets: "<5.0> <12.3> …". Ids: video and
running number, "v_abc_0"; the official question_id is a note, and so is the video, over which the official score
averages first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.annotations.activitynet_captions import file_names
from videomind.annotations.files import json_entries
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, LITA_RTL, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_query, main_file, numbered, samples
from videomind.results import Protocol

ANNOTATIONS = {"val": "activitynet_rtl/annot_val_1_q229.json"}
_TIME = re.compile(r"<(\d+(?:\.\d*)?|\.\d+)>")


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split], "temporal_reasoning/annot_val_1_q229.json")
    return numbered(samples(file, json_entries(file), _sample))


def _sample(entry: Any) -> Sample:
    times = [float(time) for time in _TIME.findall(entry["answer"])[:2]]
    if len(times) != 2:
        raise ValueError("the answer does not hold two times in angle brackets")
    video = "v_" + entry["vid"]
    return Sample(
        id=video,
        video=file_names(video),
        question=as_query(entry["question"]),
        spans=((times[0], times[1]),),
        duration=entry["duration"],
        notes={"vid": entry["vid"], "question_id": entry.get("question_id")},
    )


ACTIVITYNET_RTL = Task(
    name="activitynet_rtl",
    title="ActivityNet-RTL",
    annotations=ANNOTATIONS,
    split="val",
    videos=("activitynet/videos_3fps_480_noaudio", "activitynet/videos", "activitynet_rtl/videos"),
    read=read,
    variants=(LITA_RTL, VIDEOMIND, FIXED),
    protocol=Protocol(unit=0.01),
    source="annotations https://huggingface.co/datasets/deahuang/LITA-Datasets (temporal_reasoning), "
    "videos http://activity-net.org; both prepared in "
    "https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, activitynet_rtl and activitynet",
    licence="annotations: not stated; videos: the terms of ActivityNet",
)
