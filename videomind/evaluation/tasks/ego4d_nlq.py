"""Ego4D natural language queries (Grauman et al. 2022): `nlq_val.json`, or JSONL laid out like QVHighlights.

The official file is {"videos": [{"video_uid", "clips": [{"clip_uid", "video_start_sec", "video_end_sec",
"annotations": [{"annotation_uid", "language_queries": [{"query", "clip_start_sec", "clip_end_sec"}]}]}]}]}; queries
without text are left out, as the official code does. Videos are the clips, times are the clips'. Ids: annotation and
number of the query ("<annotation_uid>_<number>"); of the JSONL its qid. Notes keep clip_uid, annotation_uid and
query_idx for submissions and the official score.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.annotations.files import json_file
from videomind.annotations.problems import NOT_AS_PUBLISHED
from videomind.errors import DataError
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import EGO4D_NLQ as OFFICIAL
from videomind.evaluation.scoring import FIXED, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.grounding import read_windows
from videomind.evaluation.tasks.reading import as_query, main_file, samples, unique

ANNOTATIONS = {"val": "ego4d_nlq/nlq_val.jsonl", "train": "ego4d_nlq/nlq_train.jsonl"}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split], f"ego4d_nlq/nlq_{split}.json", f"ego4d/v2/annotations/nlq_{split}.json")
    if file.suffix == ".jsonl":
        return unique(file, read_windows(file, lambda video: (video,)))
    return unique(file, samples(file, _queries(file), _sample))


def _queries(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        for video in json_file(path, dict)["videos"]:
            for clip in video["clips"]:
                for annotation in clip["annotations"]:
                    for number, query in enumerate(annotation["language_queries"]):
                        if query.get("query"):
                            place = f"clip {clip['clip_uid']}, query {number}"
                            yield place, (clip, annotation["annotation_uid"], number, query)
    except NOT_AS_PUBLISHED as error:
        raise DataError(f"{path} is not as published ({error!r}): give nlq_val.json of Ego4D") from None


def _sample(entry: Any) -> Sample:
    clip, annotation, number, query = entry
    return Sample(
        id=f"{annotation}_{number}",
        video=(clip["clip_uid"],),
        question=as_query(query["query"]),
        spans=((query["clip_start_sec"], query["clip_end_sec"]),),
        duration=clip["video_end_sec"] - clip["video_start_sec"],
        notes={"clip_uid": clip["clip_uid"], "annotation_uid": annotation, "query_idx": number},
    )


EGO4D_NLQ = Task(
    name="ego4d_nlq",
    title="Ego4D-NLQ",
    annotations=ANNOTATIONS,
    split="val",
    videos=("ego4d/v2/videos_3fps_480_noaudio", "ego4d/v2/clips", "ego4d_nlq/videos"),
    read=read,
    variants=(OFFICIAL, VIDEOMIND, FIXED),
    source="https://ego4d-data.org (annotations and clips); "
    "prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, ego4d_nlq and ego4d",
    licence="the Ego4D licence agreement, which each user signs",
)
