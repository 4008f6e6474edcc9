"""The published results of VideoMind 2B and 7B (arXiv 2503.13444; docs/BENCHMARK.md of its repository), in percent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

SMALL = "VideoMind-2B"
LARGE = "VideoMind-7B"


@dataclass(frozen=True, slots=True)
class Published:
    """What is published about a task.

    Attributes:
        split: on which split.
        rows: model → metric → value; metrics are called as here.
        variant: in which of the task's variants that metric is measured that way.
        tasks: model → label of the kind "task" → accuracy.
        note: what one must know to compare.
    """

    split: str
    rows: dict[str, dict[str, float]]
    variant: str = "videomind"
    tasks: dict[str, dict[str, float]] = field(default_factory=dict)
    note: str = ""


def _rows(names: Sequence[str], small: Sequence[float], large: Sequence[float]) -> dict[str, dict[str, float]]:
    return {SMALL: dict(zip(names, small, strict=True)), LARGE: dict(zip(names, large, strict=True))}


_RECALL = ("R1@0.3", "R1@0.5", "R1@0.7", "mIoU")
_TUNED = "a model fine-tuned on the training split"
_MVBENCH = {
    "Action Sequence": (77.0, 74.0),
    "Action Prediction": (78.0, 71.5),
    "Action Antonym": (77.0, 81.0),
    "Fine-grained Action": (46.5, 50.0),
    "Unexpected Action": (70.5, 77.0),
    "Object Existence": (87.0, 93.0),
    "Object Interaction": (71.5, 75.0),
    "Object Shuffle": (33.0, 38.0),
    "Moving Direction": (48.0, 48.5),
    "Action Localization": (39.5, 46.0),
    "Scene Transition": (91.0, 91.0),
    "Action Count": (53.0, 39.0),
    "Moving Count": (78.0, 80.0),
    "Moving Attribute": (89.0, 94.5),
    "State Change": (43.5, 49.5),
    "Fine-grained Pose": (53.5, 55.5),
    "Character Order": (61.5, 70.0),
    "Egocentric Navigation": (37.5, 40.5),
    "Episodic Reasoning": (49.5, 57.0),
    "Counterfactual Inference": (53.0, 61.0),
}
"""Task → accuracy of 2B and 7B."""

PUBLISHED: dict[str, Published] = {
    "charades_sta": Published("test", _rows(_RECALL, (67.6, 51.1, 26.0, 45.2), (73.5, 59.1, 31.2, 50.2))),
    "activitynet_captions": Published("val_2", _rows(_RECALL, (44.0, 26.5, 12.6, 30.1), (48.4, 30.3, 15.7, 33.3))),
    "qvhighlights": Published(
        "test",
        {
            SMALL: {
                "MR-full-R1@0.5": 75.42,
                "MR-full-R1@0.7": 59.35,
                "MR-full-mAP@0.5": 74.11,
                "MR-full-mAP@0.75": 55.15,
                "MR-full-mAP": 51.60,
            },
            LARGE: {"MR-full-R1@0.5": 78.53, "MR-full-R1@0.7": 61.09, "MR-full-mAP": 54.19},
        },
        variant="official",
        note=f"{_TUNED}; 7B: README of January 2026",
    ),
    "tacos": Published("test", _rows(_RECALL, (38.6, 26.9, 15.5, 27.4), (49.5, 36.2, 21.4, 34.4)), note=_TUNED),
    "ego4d_nlq": Published("val", _rows(_RECALL, (5.9, 2.9, 1.2, 4.7), (7.2, 3.7, 1.7, 5.4))),
    "activitynet_rtl": Published(
        "val", _rows(("R1@0.5", "mIoU"), (20.1, 22.7), (28.0, 31.3)), note="the table calls it P@0.5"
    ),
    "nextgqa": Published(
        "test",
        _rows(
            ("R1@0.3", "R1@0.5", "mIoU", "IoP@0.3", "IoP@0.5", "mIoP", "Acc@GQA"),
            (45.2, 23.2, 28.6, 51.3, 32.6, 36.4, 25.2),
            (50.2, 25.8, 31.4, 56.0, 35.3, 39.0, 28.2),
        ),
    ),
    "rextime": Published(
        "val",
        _rows(
            ("R1@0.3", "R1@0.5", "mIoU", "Acc", "Acc@IoU"),
            (34.31, 22.69, 24.83, 69.06, 17.26),
            (38.22, 25.52, 27.61, 74.59, 20.20),
        ),
    ),
    "cgbench": Published(
        "mini", _rows(("long-acc", "mIoU", "rec@IoU", "acc@IoU"), (31.0, 5.94, 8.50, 4.02), (38.4, 7.10, 9.93, 4.67))
    ),
    "deveqa": Published(
        "val",
        _rows(("mIoU", "mIoP", "Acc@GQA"), (26.3, 49.9, 41.2), (30.1, 51.9, 44.2)),
        note="third-party results, named in the README of January 2026",
    ),
    "videomme": Published(
        "test",
        _rows(("Acc",), (53.6,), (58.2,)),
        tasks=_rows(("long",), (45.4,), (49.2,)),
        note="without subtitles; the README of January 2026 has 55.4 and long 46.3 for 2B",
    ),
    "mlvu": Published(
        "dev", _rows(("Acc",), (58.7,), (64.4,)), note="the table calls it M-Avg; over questions, not tasks"
    ),
    "lvbench": Published("test", _rows(("Acc",), (35.4,), (40.8,))),
    "mvbench": Published(
        "test",
        _rows(("Acc",), (61.9,), (64.6,)),
        tasks=_rows(tuple(_MVBENCH), *zip(*_MVBENCH.values(), strict=True)),
        note="whole videos also where the benchmark names a part; the README of January 2026 has 62.5 for 2B",
    ),
    "longvideobench": Published(
        "val",
        _rows(("Acc",), (48.8,), (56.3,)),
        tasks=_rows(("15", "60", "600", "3600"), (59.3, 59.3, 49.3, 41.7), (67.4, 67.4, 56.8, 48.6)),
    ),
}
"""Task → what is published about it. DiDeMo served for training and has no results."""
