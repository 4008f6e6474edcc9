"""DiDeMo (Hendricks et al. 2017): a JSON list with annotation_id, description, video, times, num_segments.

Times are what four or more annotators chose: first and last number of 5-second segments, the last included. The span
is, as the published system takes it, the mean of their starts and ends to the second; the note "times" keeps them
all, from which the official score is computed. Durations come from `durations.json` beside it. Ids: annotation_id.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.annotations.didemo import SEGMENT, file_names
from videomind.annotations.files import json_entries
from videomind.evaluation.sample import Sample, Span
from videomind.evaluation.scoring import DIDEMO, FIXED, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_query, durations, main_file, samples, unique
from videomind.results import Protocol

ANNOTATIONS = {"test": "didemo/test_data.json", "val": "didemo/val_data.json"}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split])
    known = durations(file.with_name("durations.json"))

    def sample(entry: Any) -> Sample:
        names = file_names(entry["video"])
        return Sample(
            id=str(entry["annotation_id"]),
            video=names,
            question=as_query(entry["description"]),
            spans=(_mean(entry["times"]),),
            duration=known.get(names[-1]),
            notes={"times": entry["times"], "num_segments": entry["num_segments"]},
        )

    return unique(file, samples(file, json_entries(file), sample))


def _mean(times: list[tuple[int, int]]) -> Span:
    first = sum(start for start, _ in times) / len(times)
    last = sum(end for _, end in times) / len(times)
    return (float(round(first * SEGMENT)), float(round((last + 1) * SEGMENT)))


DIDEMO_TASK = Task(
    name="didemo",
    title="DiDeMo",
    annotations=ANNOTATIONS,
    split="test",
    videos=("didemo/videos_3fps_480_noaudio", "didemo/videos"),
    read=read,
    variants=(DIDEMO, VIDEOMIND, FIXED),
    protocol=Protocol(unit=1.0),
    source="annotations https://github.com/LisaAnne/LocalizingMoments (data; it also says how to get the videos); "
    "both prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, didemo",
    licence="annotations: not stated (code: BSD 2-Clause); videos: of Flickr users, each its own",
)
