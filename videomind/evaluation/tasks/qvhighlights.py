"""QVHighlights (Lei et al. 2021): JSONL with qid, query, duration, vid, relevant_windows, relevant_clip_ids, saliency.

A query may have several windows, all of them true. The truth of the test split is published since the server closed;
"test_release" is the file without it. Notes keep relevant_clip_ids (numbers of 2-second clips) and saliency_scores
(three annotators, 0 to 4, per such clip) for highlight detection, and the video's id for submissions. Ids: qid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import FIXED, MOMENT_DETR, VIDEOMIND_QVHIGHLIGHTS
from videomind.evaluation.tasks.base import Task
from videomind.evaluation.tasks.grounding import read_windows
from videomind.evaluation.tasks.reading import main_file, unique
from videomind.results import Protocol

ANNOTATIONS = {
    "val": "qvhighlights/highlight_val_release.jsonl",
    "test": "qvhighlights/highlight_test_with_gt.jsonl",
    "test_release": "qvhighlights/highlight_test_release.jsonl",
}


def read(path: Path, split: str) -> Iterator[Sample]:
    file = main_file(path, ANNOTATIONS[split])
    for sample in unique(file, read_windows(file, lambda video: (video,))):
        yield replace(sample, notes={**sample.notes, "vid": sample.video[0]})


QVHIGHLIGHTS = Task(
    name="qvhighlights",
    title="QVHighlights",
    annotations=ANNOTATIONS,
    split="val",
    videos=("qvhighlights/videos_3fps_480_noaudio", "qvhighlights/videos"),
    read=read,
    variants=(MOMENT_DETR, VIDEOMIND_QVHIGHLIGHTS, FIXED),
    protocol=Protocol(unit=2.0),
    source="annotations https://github.com/jayleicn/moment_detr (data), "
    "videos https://nlp.cs.unc.edu/data/jielei/qvh/qvhilights_videos.tar.gz; "
    "both prepared in https://huggingface.co/datasets/yeliudev/VideoMind-Dataset, qvhighlights",
    licence="annotations: CC BY-NC-SA 4.0; videos: not stated",
)
