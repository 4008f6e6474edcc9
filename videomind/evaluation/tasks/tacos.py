"""TACoS (Regneri et al. 2013), laid out like QVHighlights (JSONL) or as 2D-TAN published it (JSON, times in frames).

Both say the same: ends beyond the last frame (5 of the test split) are cut there in the JSONL, and so they are here
where times are read in frames. Ids: "<video>_<number>", as in the JSONL ("s30-d52_0").
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, TWO_D_TAN, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.grounding import read_windows
from videomind.evaluation.tasks.reading import as_query, main_file, numbered, samples, unique
from videomind.training.readers.base import sentences
from videomind.training.readers.tacos import CAMERA

ANNOTATIONS = {split: f"tacos/{split}.jsonl" for split in ("test", "val", "train")}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split], f"tacos/moment_detr_style/{split}.jsonl", f"tacos/{split}.json")
    if file.suffix == ".jsonl":
        return unique(file, read_windows(file, _names))
    return numbered(samples(file, sentences(file), _in_frames))


def _in_frames(entry: Any) -> Sample:
    name, data, number = entry
    video, fps = name.removesuffix(".avi"), data["fps"]
    duration = data["num_frames"] / fps
    start, end = data["timestamps"][number]
    return Sample(
        id=video,
        video=_names(video),
        question=as_query(data["sentences"][number]),
        spans=((start / fps, min(end / fps, duration)),),
        duration=duration,
    )


def _names(video: str) -> tuple[str, ...]:
    return (video + CAMERA, video)


TACOS = Task(
    name="tacos",
    title="TACoS",
    annotations=ANNOTATIONS,
    split="test",
    videos=("tacos/videos_3fps_480_noaudio", "tacos/videos"),
    read=read,
    variants=(TWO_D_TAN, VIDEOMIND, FIXED),
    source="annotations https://github.com/microsoft/VideoX (2D-TAN/data/TACoS), videos "
    "https://www.mpi-inf.mpg.de/departments/computer-vision-and-machine-learning/research/vision-and-language/"
    "tacos-multi-level-corpus; both prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, tacos",
    licence="annotations: not stated; videos (MPII Cooking): non-commercial research",
)
