"""TACoS (Regneri et al. 2013), laid out like QVHighlights (JSONL) or as 2D-TAN published it (JSON, times in frames).

Both say the same: ends beyond the last frame (5 of the test split) are cut there in the JSONL, and so they are here
where times are read in frames. Ids: "<video>_<number>", as in the JSONL ("s30-d52_0").
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from videomind.annotations.activitynet_captions import Sentence, sentences
from videomind.annotations.tacos import file_names, in_seconds
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, TWO_D_TAN, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.grounding import read_windows
from videomind.evaluation.tasks.reading import as_query, main_file, numbered, samples, unique

ANNOTATIONS = {split: f"tacos/{split}.jsonl" for split in ("test", "val", "train")}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split], f"tacos/moment_detr_style/{split}.jsonl", f"tacos/{split}.json")
    if file.suffix == ".jsonl":
        return unique(file, read_windows(file, file_names))
    return numbered(samples(file, sentences(file), _sample))


def _sample(sentence: Sentence) -> Sample:
    video, text, start, end, duration = in_seconds(sentence)
    return Sample(
        id=video,
        video=file_names(video),
        question=as_query(text),
        spans=((start, min(end, duration)),),
        duration=duration,
    )


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
