"""Video-MME (Fu et al. 2024): the published Parquet, or JSON.

A row has videoID (YouTube), video_id, duration ("short", "medium", "long"), domain, sub_category, question_id,
task_type, question, options ("A. …"), answer (letter). JSON is a list of such rows, or the official list of videos,
each with its "questions". Ids: question_id ("001-1").
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from videomind.annotations.files import json_entries
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, VIDEO_MME, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.parquet import parquet_rows
from videomind.evaluation.tasks.reading import as_question, main_file, samples, unique

ANNOTATIONS = {"test": "videomme/test-00000-of-00001.parquet"}
GROUPS = ("duration", "domain", "sub_category", "task_type")


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split], "videomme/videomme/test-00000-of-00001.parquet", "videomme/test.json")
    return unique(file, samples(file, _rows(file), _sample))


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Rows, and videos with their questions taken apart."""
    if path.suffix == ".parquet":
        placed: Iterator[tuple[str, Any]] = ((f"row {n}", row) for n, row in enumerate(parquet_rows(path), start=1))
    else:
        placed = json_entries(path)
    for place, entry in placed:
        if isinstance(entry, dict) and isinstance(entry.get("questions"), list):
            for number, question in enumerate(entry["questions"], start=1):
                yield f"{place}, question {number}", {**entry, **question}
        else:
            yield place, entry


def _sample(row: Any) -> Sample:
    lines = row["options"]
    if any(not line.startswith(f"{at}. ") for at, line in zip(ascii_uppercase, lines, strict=False)):
        raise ValueError('the options are not "A. …", "B. …", …')
    names = tuple(row[key] for key in ("videoID", "video_id") if key in row)
    return Sample(
        id=row["question_id"],
        video=names,
        question=as_question(row["question"]),
        options=tuple(line[3:] for line in lines),
        answer=row["answer"],
        groups=(("task", row["duration"]), *((kind, row[kind]) for kind in GROUPS)),
        subtitles=f"{names[0]}.srt",
    )


VIDEOMME = Task(
    name="videomme",
    title="Video-MME",
    annotations=ANNOTATIONS,
    split="test",
    videos=("videomme/videos", "videomme/data"),
    read=read,
    variants=(VIDEO_MME, VIDEOMIND, FIXED),
    source="https://huggingface.co/datasets/lmms-lab/Video-MME (https://github.com/BradyFU/Video-MME); "
    "prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, videomme",
    licence="academic research only, no redistribution (its own terms); videos: their owners'",
    subtitles="videomme/subtitles",
)
