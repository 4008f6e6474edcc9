"""ActivityNet Captions (Krishna et al. 2017): {video: {"duration", "timestamps", "sentences"}}, in seconds.

val_1 and val_2 are two annotators' files about (nearly) the same videos; the published tables use val_2. The ids of
videos begin with "v_", their files may not. Ids: video and running number, "v_uqiMw7tQ1Cc_0".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from videomind.annotations.activitynet_captions import file_names
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, TWO_D_TAN, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.grounding import read_sentences
from videomind.evaluation.tasks.reading import main_file
from videomind.results import Protocol

ANNOTATIONS = {"val_1": "activitynet_captions/val_1.json", "val_2": "activitynet_captions/val_2.json"}
ALSO = {"val_1": ("activitynet_captions/val_1.from_2dtan_val.json",), "val_2": ()}


def read(path: Path, split: str) -> Iterator[Sample]:
    yield from read_sentences(main_file(path, ANNOTATIONS[split], *ALSO[split]), file_names)


ACTIVITYNET_CAPTIONS = Task(
    name="activitynet_captions",
    title="ActivityNet Captions",
    annotations=ANNOTATIONS,
    split="val_2",
    videos=("activitynet/videos_3fps_480_noaudio", "activitynet/videos", "activitynet_captions/videos"),
    read=read,
    variants=(TWO_D_TAN, VIDEOMIND, FIXED),
    protocol=Protocol(unit=0.01),
    source="annotations https://cs.stanford.edu/people/ranjaykrishna/densevid/, videos http://activity-net.org; "
    "both prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, "
    "activitynet_captions and activitynet",
    licence="annotations: not stated; videos: the terms of ActivityNet",
)
