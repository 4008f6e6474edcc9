"""Submissions of options: LVBench, LongVideoBench, MLVU, MVBench and Video-MME."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from string import ascii_uppercase

from videomind.evaluation.sample import Sample
from videomind.evaluation.submissions.base import Files, Predictions, Submission, json_file, option_of


def _by_id(samples: Sequence[Sample], predictions: Predictions) -> Files:
    chosen = {sample.id: option_of(sample, predictions) for sample in samples}
    return json_file({one: letter for one, letter in chosen.items() if letter is not None})


LVBENCH = Submission(
    files=_by_id,
    suffix=".json",
    missing="left out, and so out of the evaluation's denominator",
    source="https://github.com/THUDM/LVBench, scripts/construct_random_answers.py and test_acc.py",
)
LONGVIDEOBENCH = Submission(
    files=_by_id,
    suffix=".json",
    missing="left out",
    source="https://github.com/EvolvingLMMs-Lab/lmms-eval, lmms_eval/tasks/longvideobench/utils.py",
)


def _mlvu(samples: Sequence[Sample], predictions: Predictions) -> Files:
    return json_file(
        [
            {"question_id": sample.id, "question_type": sample.labels("task")[0], "option": letter}
            for sample in samples
            if (letter := option_of(sample, predictions)) is not None
        ]
    )


MLVU = Submission(
    files=_mlvu,
    suffix=".json",
    missing="left out",
    source="https://github.com/JUNJIE99/MLVU, Evaluation_Test/README.md",
)


def _mvbench(samples: Sequence[Sample], predictions: Predictions) -> Files:
    right = {sample.id: option_of(sample, predictions) == sample.answer is not None for sample in samples}
    ids: dict[str, list[str]] = {}
    for sample in samples:
        for task in sample.labels("task"):
            ids.setdefault(task, []).append(sample.id)
    accuracy = {task: 100 * sum(right[one] for one in inside) / len(inside) for task, inside in ids.items()}
    return json_file(accuracy | {"Avg": 100 * sum(right.values()) / len(samples)})


MVBENCH = Submission(
    files=_mvbench,
    suffix=".json",
    missing="counted as wrong",
    source="https://github.com/OpenGVLab/Ask-Anything, video_chat2/mvbench.ipynb (upload_leaderboard.json)",
)


def _videomme(samples: Sequence[Sample], predictions: Predictions) -> Files:
    videos = []
    for video, asked in groupby(sorted(samples, key=_video), key=_video):
        questions = list(asked)
        videos.append(
            {
                "video_id": video,
                "duration_category": _label(questions[0], "duration"),
                "video_category": _label(questions[0], "domain"),
                "video_subcategory": _label(questions[0], "sub_category"),
                "missing": not any(one.id in predictions for one in questions),
                "questions": [
                    {
                        "question_id": one.id,
                        "task_type": _label(one, "task_type"),
                        "question": one.question,
                        "choices": [
                            f"{letter}. {text}" for letter, text in zip(ascii_uppercase, one.options, strict=False)
                        ],
                        "answer": one.answer,
                        "response": option_of(one, predictions) or "",
                    }
                    for one in questions
                ],
            }
        )
    return json_file(videos)


def _video(sample: Sample) -> str:
    """The benchmark's number of the video: questions are called "001-1", "001-2", …"""
    return sample.id.rpartition("-")[0]


def _label(sample: Sample, kind: str) -> str:
    return next(iter(sample.labels(kind)), "")


VIDEOMME = Submission(
    files=_videomme,
    suffix=".json",
    missing='answered by "", which the evaluation leaves out of its denominator',
    source="https://github.com/BradyFU/Video-MME, evaluation/output_test_template.json and eval_your_results.py",
)
