"""MVBench (Li et al. 2024): 20 JSON lists, one per task, with video, question, candidates, answer.

Five tasks ask about a part of their videos (start, end in seconds): their samples have that `part`. The published
evaluation of VideoMind shows the whole files all the same. The videos of Episodic Reasoning are folders of frames
"00001.jpg", … at 3 frames per second (note "fps"). Ids: file, video and running number, "action_sequence_ZS9XR_0".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from videomind.annotations.files import json_entries
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, MVBENCH, VIDEOMIND
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.reading import as_question, letter, main_file, numbered, samples
from videomind.results import Protocol

ANNOTATIONS = {"test": "mvbench/json"}


class Source(NamedTuple):
    """What a task's videos are: their folder, whether they have a part, frames per second of folders of frames."""

    folder: str
    has_part: bool = False
    fps: float | None = None


SOURCES = {
    "Action Sequence": Source("star/Charades_v1_480", has_part=True),
    "Action Prediction": Source("star/Charades_v1_480", has_part=True),
    "Action Antonym": Source("ssv2_video"),
    "Fine-grained Action": Source("Moments_in_Time_Raw/videos"),
    "Unexpected Action": Source("FunQA_test/test"),
    "Object Existence": Source("clevrer/video_validation"),
    "Object Interaction": Source("star/Charades_v1_480", has_part=True),
    "Object Shuffle": Source("perception/videos"),
    "Moving Direction": Source("clevrer/video_validation"),
    "Action Localization": Source("sta/sta_video", has_part=True),
    "Scene Transition": Source("scene_qa/video"),
    "Action Count": Source("perception/videos"),
    "Moving Count": Source("clevrer/video_validation"),
    "Moving Attribute": Source("clevrer/video_validation"),
    "State Change": Source("perception/videos"),
    "Fine-grained Pose": Source("nturgbd"),
    "Character Order": Source("perception/videos"),
    "Egocentric Navigation": Source("vlnqa"),
    "Episodic Reasoning": Source("tvqa/frames_fps3_hq", has_part=True, fps=3.0),
    "Counterfactual Inference": Source("clevrer/video_validation"),
}
FILES = {task: task.lower().replace(" ", "_").replace("-", "_") for task in SOURCES}
"""Task → name of its file, without suffix."""


def read(path: Path, split: str) -> Iterator[Sample]:
    """Of all tasks; of one where `path` is its file."""
    folder = main_file(path, f"{ANNOTATIONS[split]}/action_sequence.json").parent
    chosen = [task for task, name in FILES.items() if not path.is_file() or name == path.stem]
    return chain.from_iterable(_read_task(folder / f"{FILES[task]}.json", task) for task in chosen)


def _read_task(file: Path, task: str) -> Iterator[Sample]:
    source = SOURCES[task]

    def sample(entry: Any) -> Sample:
        video, options = entry["video"], entry["candidates"]
        return Sample(
            id=f"{FILES[task]}_{PurePosixPath(video).stem}",
            video=(f"{source.folder}/{video}",),
            question=as_question(entry["question"]),
            options=options,
            answer=letter(options, entry["answer"]),
            groups=(("task", task),),
            part=(entry["start"], entry["end"]) if source.has_part else None,
            notes={} if source.fps is None else {"fps": source.fps},
        )

    return numbered(samples(file, json_entries(file), sample))


MVBENCH_TASK = Task(
    name="mvbench",
    title="MVBench",
    annotations=ANNOTATIONS,
    split="test",
    videos=("mvbench/video", "mvbench/videos"),
    read=read,
    variants=(MVBENCH, VIDEOMIND, FIXED),
    protocol=Protocol(min_crop=64.0),
    source="https://huggingface.co/datasets/OpenGVLab/MVBench (some videos are to be had from their owners); "
    "prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, mvbench",
    licence="dataset's card: MIT; videos: the terms of the data sets they come from",
)
