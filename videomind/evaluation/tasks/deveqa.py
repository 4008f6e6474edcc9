"""DeVE-QA (Qin et al. 2025): questions about dense events in ActivityNet videos, with one true span each.

Two forms are read, as JSON list or JSONL:
- the official code's: qid, video_id, question, options (list or {"A": …}), answer (letter or text), gt_span, duration;
- the data set's: vid, question, answer (text), distract_answers, timestamp; durations in `durations.json` beside it.
  It fixes no order of the options; here their order is drawn once and for all from their texts, so that a run
  can be repeated and the right one stands anywhere.
Ids: qid, or video and running number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from videomind.annotations.activitynet_captions import file_names
from videomind.annotations.files import json_entries, numbered_lines, parse_line
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import DEVE_QA, FIXED, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_question, durations, letter, main_file, samples, unique

ANNOTATIONS = {"val": "deve_qa/DeVE-QA_val.json", "val_sample30": "deve_qa/DeVE-QA_val_sample30.json"}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split], f"{ANNOTATIONS[split]}l")
    known = durations(file.with_name("durations.json"))
    asked: Counter[str] = Counter()

    def sample(entry: Any) -> Sample:
        row = entry if isinstance(entry, dict) else parse_line(entry)
        if "distract_answers" not in row:
            return _of_code(row)
        asked[row["vid"]] += 1
        return _of_data_set(row, asked[row["vid"]] - 1, known)

    return unique(file, samples(file, numbered_lines(file) if file.suffix == ".jsonl" else json_entries(file), sample))


def _of_data_set(row: dict[str, Any], number: int, known: dict[str, float]) -> Sample:
    video, question, answer = row["vid"], as_question(row["question"]), row["answer"]
    options = sorted((*row["distract_answers"], answer), key=lambda option: _draw(f"{video}\n{question}\n{option}"))
    return Sample(
        id=f"{video}_{number}",
        video=file_names(video),
        question=question,
        options=tuple(options),
        answer=letter(options, answer),
        spans=(row["timestamp"],),
        duration=known.get(video, row.get("duration")),
    )


def _of_code(row: dict[str, Any]) -> Sample:
    given, answer = row["options"], row["answer"]
    options = [given[at] for at in sorted(given)] if isinstance(given, dict) else list(given)
    is_letter = len(answer) == 1 and answer not in options
    return Sample(
        id=str(row["qid"]),
        video=file_names(row["video_id"]),
        question=as_question(row["question"]),
        options=tuple(options),
        answer=answer.upper() if is_letter else letter(options, answer),
        spans=(row["gt_span"],),
        duration=row.get("duration"),
    )


def _draw(text: str) -> bytes:
    return sha256(text.encode()).digest()


DEVEQA = Task(
    name="deveqa",
    title="DeVE-QA",
    annotations=ANNOTATIONS,
    split="val",
    videos=("deve_qa/videos_3fps_480_noaudio", "activitynet/videos_3fps_480_noaudio", "activitynet/videos"),
    read=read,
    variants=(DEVE_QA, VIDEOMIND, FIXED),
    source="annotations https://github.com/QHUni/DeVE-QA, videos http://activity-net.org",
    licence="annotations: not stated; videos: the terms of ActivityNet",
)
