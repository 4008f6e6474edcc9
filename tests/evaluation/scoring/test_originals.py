"""Made-up predictions, and what the original scripts printed for them when they were run on these very files.

The scripts, with the commits of the repositories that they were taken from:
VideoMind's eval_auto.py and eval_qvhighlights.py (cn-ryh/VideoMind 44311f3, fda27cb; nncore 0.4.7, torch 2.13),
moment_detr's standalone_eval (jayleicn/moment_detr 2fa9e32; scikit-learn 1.9.1), NExT-GQA's eval_ground.py and
eval_next.py (doc-doc/NExT-GQA 3902e7d, 8331fcc), ReXTime's rextime_eval.py (ReXTime/ReXTime 00549a4).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from videomind.evaluation.predictions import read_predictions
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring import (
    MOMENT_DETR,
    NEXT_GQA,
    REXTIME,
    VIDEOMIND,
    VIDEOMIND_CGBENCH,
    VIDEOMIND_QVHIGHLIGHTS,
)
from videomind.evaluation.scoring.base import Metrics, Variant

OPTIONS = ("A wall", "A chair", "A cup", "A floor")


def two(metrics: Metrics) -> dict[str, str]:
    return {name: f"{value:.2f}" for name, value in metrics.items()}


# ------------------------------------------------------------------------------------------ VideoMind


def row(spans: list[list[float]] | None, pred: list[list[float]], reply: str | None, **more: Any) -> dict[str, Any]:
    """A row of an output file; the video's name is set by its place."""
    made: dict[str, Any] = {"duration": 40.0, "query": "what", "question": "What?", "options": OPTIONS, "ans": "B"}
    made |= {"task": "CW", "grounder_success": True, "pred": pred, "conf": [0.5] * len(pred)}
    made |= {"span": spans} if spans is not None else {}
    return made | ({"response": reply} if reply is not None else {}) | more


ROWS = [
    row([[4, 14]], [[4, 9], [4, 14]], "B"),
    row([[4, 14]], [[4, 7], [0, 40], [4, 11]], "B) A chair", pred_ori=[[0, 40], [4, 7], [4, 11]], conf_ori=[0.5] * 3),
    row([[0.3, 0.9]], [[0.30000001192092896, 0.6000000238418579]], "(C"),
    row([[2, 6], [6, 10], [5, 9]], [[2, 10]], "b.", task="TN", ans="b"),
    row([[2, 6], [20, 30]], [[6, 6], [30, 20], [2, 30], [2, 6]], "The answer is B", task=["TN", "CW"]),
    row([[2, 6]], [[45, 50]], "E", pred_ori=[[2, 6]], conf_ori=[1], grounder_success=False),
    row([[10, 20]], [[14.5, 17.5], [10, 17], [10, 20]], None, task="TN"),
    row(None, [[1, 2]], "z"),
    row([[1.1, 8.7], [8.7, 9.3]], [[3.299999952316284, 8.699999809265137]], "bcd", task="CH"),
]
RANKS = ("R1", "R3", "R5")
IOU = [*(f"{rank}@{t}" for rank in RANKS for t in (0.3, 0.5, 0.7)), "mIoU"]
IOP = ["IoP@0.3", "IoP@0.5", "IoP@0.7", *(f"IoP {name}" for name in IOU[3:9]), "mIoP"]
CLUES = ["R1@0.1", "R1@0.2", "R1@0.3", "R1@0.4", "R1@0.5", "mIoU", "rec@IoU"]
PRINTED = [
    (IOU, "CH", "100.00 100.00 100.00 100.00 100.00 100.00 100.00 100.00 100.00 71.05"),
    (IOU, "CW", "66.67 50.00 0.00 83.33 66.67 50.00 83.33 83.33 66.67 30.00"),
    (IOU, "TN", "66.67 33.33 0.00 100.00 66.67 33.33 100.00 100.00 66.67 26.67"),
    (IOU, "all", "77.78 55.56 11.11 88.89 77.78 55.56 88.89 88.89 66.67 36.78"),
    (IOP, "CH", "100.00 100.00 100.00 100.00 100.00 100.00 100.00 100.00 100.00 100.00"),
    (IOP, "CW", "66.67 66.67 66.67 83.33 66.67 66.67 83.33 83.33 83.33 66.67"),
    (IOP, "TN", "66.67 66.67 33.33 100.00 66.67 33.33 100.00 100.00 66.67 50.00"),
    (IOP, "all", "77.78 77.78 66.67 88.89 77.78 66.67 88.89 88.89 77.78 72.22"),
    (["Acc", "Acc@IoU", "Acc@GQA"], "CH", "100.00 100.00 100.00"),
    (["Acc", "Acc@IoU", "Acc@GQA"], "CW", "42.86 28.57 42.86"),
    (["Acc", "Acc@IoU", "Acc@GQA"], "TN", "50.00 50.00 50.00"),
    (["Acc", "Acc@IoU", "Acc@GQA"], "all", "55.56 44.44 55.56"),
    (["IoU raise", "IoU lower", "IoP raise", "IoP lower"], "all", "11.11 11.11 11.11 11.11"),
]
PRINTED_CLUES = [
    (CLUES, "CH", "100.00 100.00 100.00 100.00 100.00 65.85 100.00"),
    (CLUES, "CW", "66.67 66.67 66.67 50.00 50.00 30.00 60.00"),
    (CLUES, "TN", "66.67 66.67 66.67 33.33 33.33 60.00 53.33"),
    (CLUES, "all", "77.78 77.78 77.78 55.56 55.56 47.32 68.89"),
    (["long-acc", "acc@IoU"], "CH", "100.00 100.00"),
    (["long-acc", "acc@IoU"], "CW", "42.86 37.14"),
    (["long-acc", "acc@IoU"], "TN", "50.00 50.00"),
    (["long-acc", "acc@IoU"], "all", "55.56 51.11"),
    (["IoU raise", "IoU lower"], "all", "11.11 11.11"),
]


def output(folder: Path) -> Path:
    rows = [{"video_path": f"data/v{n}.mp4", **made} for n, made in enumerate(ROWS)]
    rows.append(rows[0])
    (folder / "output_0.json").write_text(json.dumps(rows[::2]))
    (folder / "output_1.json").write_text(json.dumps(rows[1::2]))
    return folder


@pytest.mark.parametrize(("variant", "tables"), [(VIDEOMIND, PRINTED), (VIDEOMIND_CGBENCH, PRINTED_CLUES)])
def test_eval_auto(tmp_path: Path, variant: Variant, tables: list[tuple[list[str], str, str]]) -> None:
    found = variant.measure([], read_predictions(output(tmp_path), []))
    whole = {"all": found.metrics} | found.groups["task"]
    for names, task, printed in tables:
        assert " ".join(f"{whole[task][name]:.2f}" for name in names) == printed


# ------------------------------------------------------------------------------------------ QVHighlights

QUERIES = [
    {
        "relevant_windows": [[0, 8]],
        "relevant_clip_ids": [0, 1, 2, 3],
        "saliency_scores": [[4, 4, 2], [3, 3, 1], [2, 0, 4], [4, 1, 1]],
    },
    {"relevant_windows": [[10, 20], [24, 60]], "relevant_clip_ids": [5, 12], "saliency_scores": [[1, 1, 1], [4, 3, 2]]},
    {
        "relevant_windows": [[30, 34], [34, 38], [40, 60]],
        "relevant_clip_ids": [15, 17, 20],
        "saliency_scores": [[4, 4, 4]] * 3,
    },
    {"relevant_windows": [[20, 30]], "relevant_clip_ids": [10], "saliency_scores": [[3, 2, 2]]},
]
LINES = [
    {
        "pred_relevant_windows": [[0, 4, 0.9], [0, 8, 0.9], [0, 8, 0.1]],
        "pred_saliency_scores": [0.5, 0.5, -1, 2] + [0.5] * 26,
    },
    {
        "pred_relevant_windows": [[14, 20, 0.2], [24, 60, 0.2], [10, 20, 0.7], [0, 60, 0.9]],
        "pred_saliency_scores": [0.0] * 30,
    },
    {
        "pred_relevant_windows": [[30, 38, 1], [40, 50, 0.5], [38, 34, 0.5], [41, 60, 0.4]] + [[0, 1, 0]] * 7,
        "pred_saliency_scores": [-0.5] * 15 + [0.25] * 20,
    },
    {"pred_relevant_windows": [[30, 20, 0.3]], "pred_saliency_scores": [1]},
]
PRINTED_MOMENT_DETR = {
    "MR-full-R1@0.5": "75.00",
    "MR-full-R1@0.7": "25.00",
    "MR-full-mAP": "69.58",
    "MR-full-mAP@0.5": "100.00",
    "MR-full-mAP@0.75": "70.83",
    "MR-long-mAP": "47.50",
    "MR-middle-mAP": "27.50",
    "MR-short-mAP": "61.67",
    "HL-min-Fair-mAP": "11.32",
    "HL-min-Fair-Hit1": "50.00",
    "HL-min-Good-mAP": "11.28",
    "HL-min-Good-Hit1": "50.00",
    "HL-min-VeryGood-mAP": "10.30",
    "HL-min-VeryGood-Hit1": "50.00",
}
PRINTED_QVHIGHLIGHTS = PRINTED_MOMENT_DETR | {
    "MR-full-R1@0.3": "75.00",
    "MR-full-R5@0.3": "75.00",
    "MR-full-R5@0.5": "75.00",
    "MR-full-R5@0.7": "75.00",
    "MR-full-mIoU": "46.25",
    "MR-long-mIoU": "0.00",
    "MR-middle-mIoU": "0.00",
    "MR-short-mIoU": "46.25",
}


def submission(folder: Path) -> Path:
    file = folder / "submission.jsonl"
    lines = [{"qid": n, "query": "what", "vid": f"v{n}", **line} for n, line in enumerate(LINES)]
    repeated = {**lines[0], "pred_relevant_windows": [[2, 8, 0.95]]}
    file.write_text("\n".join(json.dumps(line) for line in [*lines, repeated]))
    return file


def test_moment_detr(tmp_path: Path) -> None:
    samples = [
        Sample(str(n), (f"v{n}",), "what", spans=tuple(map(tuple, query["relevant_windows"])), duration=60, notes=query)
        for n, query in enumerate(QUERIES)
    ]
    predictions = read_predictions(submission(tmp_path), samples)
    assert two(MOMENT_DETR.measure(samples, predictions).metrics) == PRINTED_MOMENT_DETR
    found = two(VIDEOMIND_QVHIGHLIGHTS.measure(samples, predictions).metrics)
    assert {name: found[name] for name in PRINTED_QVHIGHLIGHTS} == PRINTED_QVHIGHLIGHTS


# ------------------------------------------------------------------------------------------ NExT-GQA

LOCATIONS = {"0": [[2, 10]], "1": [[5.5, 7], [20, 30]], "2": [[4, 14]], "3": [[1, 3]], "4": [[10, 16]], "5": [[0, 9]]}
TYPES = {"0": "CW", "1": "CH", "2": "TN", "3": "TP", "4": "TC", "5": "CW"}
SPANS = {"0": [2, 6], "1": [6, 6], "2": [2, 7], "3": [3, 1], "4": [10, 12, 26], "9": [0, 1]}
FRACTIONS = {"0": [0.05, 0.149], "1": [0.5014, 0.6], "2": [0.1, 0.35], "3": [0.075, 0.075], "4": [0.4, 0.2]}
ANSWERS = {"0": (2, 2), "1": (1, 1), "2": (3, 1), "3": (0, 0), "4": ("1", 1), "5": (7, 7)}
PRINTED_SPANS = "40.0 59.5 80.0 60.0 22.5 40.0 20.0"
PRINTED_FRACTIONS = "60.0 80.0 80.0 80.0 37.8 60.0 40.0"
PRINTED_ANSWERS = {
    "Why": "100.00",
    "How": "100.00",
    "Bef&Aft": "50.00",
    "When": "0.00",
    "Acc_C": "100.00",
    "Acc_T": "33.33",
    "Acc": "66.67",
}


@pytest.mark.parametrize(
    ("name", "spans", "printed"),
    [("test_ground.json", SPANS, PRINTED_SPANS), ("test_ground_gs.json", FRACTIONS, PRINTED_FRACTIONS)],
)
def test_next_gqa(tmp_path: Path, name: str, spans: dict[str, list[float]], printed: str) -> None:
    samples = [
        Sample(
            f"7_{n}",
            ("7",),
            "?",
            (*OPTIONS, "B"),
            "B",
            tuple(map(tuple, true)),
            duration=40,
            groups=(("task", TYPES[n]),),
        )
        for n, true in LOCATIONS.items()
    ]
    (tmp_path / name).write_text(json.dumps({f"7_{n}": span for n, span in spans.items()}))
    answers = {f"7_{n}": {"prediction": said, "answer": right} for n, (said, right) in ANSWERS.items()}
    (tmp_path / "test-res.json").write_text(json.dumps(answers))
    found = NEXT_GQA.measure(samples, read_predictions(tmp_path, samples))
    order = ("Acc@GQA", "mIoP", "IoP@0.3", "IoP@0.5", "mIoU", "IoU@0.3", "IoU@0.5")
    assert " ".join(f"{found.metrics[name]:.1f}" for name in order) == printed
    types = {kind: f"{metrics['Acc@QA']:.2f}" for kind, metrics in found.groups["type"].items()}
    assert types | {"Acc": f"{found.metrics['Acc@QA']:.2f}"} == PRINTED_ANSWERS


# ------------------------------------------------------------------------------------------ ReXTime

TRUE = {
    "a": ([[2, 12]], "A"),
    "b": ([[5, 5]], "B"),
    "c": ([[0, 10], [12, 20]], "C"),
    "d": ([[3, 9]], "D"),
    "e": ([[1, 2]], "A"),
}
SAID = [
    ("a", [[2, 7], [2, 12]], "A"),
    ("b", [[5, 5]], "B"),
    ("c", [[10, 20, 0.5]], "c"),
    ("d", [[3, 9]], "D"),
    ("e", [[0, 3]], "(A)"),
    ("d", [[4, 8]], "D) so"),
]
PRINTED_REXTIME = {
    "MR-full-mIoU": 46.0,
    "MR-full-R1@0.3": 80.0,
    "MR-full-R1@0.5": 60.0,
    "GQA@0.5": 0.2,  # which its two files call by two names: run with one
    "vqa_acc": 0.4,
}


def test_rextime(tmp_path: Path) -> None:
    samples = [
        Sample(qid, (qid,), "?", answer=letter, spans=tuple(map(tuple, true)), duration=20)
        for qid, (true, letter) in TRUE.items()
    ]
    lines = [{"qid": qid, "pred_relevant_windows": windows, "ans": said} for qid, windows, said in SAID]
    (tmp_path / "val.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = REXTIME.measure(samples, read_predictions(tmp_path / "val.jsonl", samples))
    assert {name: round(value, 2) for name, value in found.metrics.items()} == PRINTED_REXTIME
