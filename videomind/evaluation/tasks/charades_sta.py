"""Charades-STA (Gao et al. 2017): lines "<video> <start> <end>##<sentence>", in seconds.

Durations lie beside it: `durations.json` of the published layout, or the column "length" of `Charades_v1_test.csv`.
562 of the 3,720 test moments end after the end of their video: kept as annotated.

Other splits (Charades-CD, Yuan et al. 2021; Charades-CG, Li et al. 2022; in the form of Time-R1) are JSON files
{video: {"duration", "timestamps", "sentences"}}. Ids: video and running number, "3MSZA_0".
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from videomind.annotations.charades_sta import parse
from videomind.annotations.files import numbered_lines
from videomind.errors import DataError
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, TWO_D_TAN, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.grounding import read_sentences
from videomind.evaluation.tasks.reading import as_query, durations, main_file, numbered, samples
from videomind.results import Protocol

ANNOTATIONS = {
    "test": "charades_sta/charades_sta_test.txt",
    "test_iid": "charades_sta/time_r1/charades_test_iid.json",
    "test_ood": "charades_sta/time_r1/charades_test_ood.json",
    "test_trivial": "charades_sta/time_r1/test_trivial.json",
    "novel_composition": "charades_sta/time_r1/novel_composition.json",
    "novel_word": "charades_sta/time_r1/novel_word.json",
}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split])
    if file.suffix == ".json":
        yield from read_sentences(file, lambda video: (video,))
        return
    known = _lengths(file.with_name("Charades_v1_test.csv")) | durations(file.with_name("durations.json"))

    def sample(line: bytes | None) -> Sample:
        video, span, sentence = parse(line)
        return Sample(video, (video,), as_query(sentence), spans=(span,), duration=known.get(video))

    yield from numbered(samples(file, numbered_lines(file), sample))


def _lengths(path: Path) -> dict[str, float]:
    """Seconds of the videos in the table of Charades; {} where it is not there."""
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["id"]: float(row["length"]) for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise DataError(f"cannot read the lengths in {path}: {error}; give it as published, or remove it") from None


CHARADES_STA = Task(
    name="charades_sta",
    title="Charades-STA",
    annotations=ANNOTATIONS,
    split="test",
    videos=("charades_sta/videos_3fps_480_noaudio", "charades_sta/videos", "charades_sta/Charades_v1_480"),
    read=read,
    variants=(TWO_D_TAN, VIDEOMIND, FIXED),
    protocol=Protocol(unit=0.1),
    source="annotations https://github.com/jiyanggao/TALL (text files also in https://github.com/microsoft/VideoX, "
    "2D-TAN/data/Charades-STA; other splits in https://github.com/www-Ye/Time-R1), "
    "videos https://prior.allenai.org/projects/charades; "
    "both prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, charades_sta",
    licence="sentences: not stated; videos: the terms of Charades, non-commercial",
)
