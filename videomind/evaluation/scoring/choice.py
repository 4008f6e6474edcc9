"""Multiple choice, as five benchmarks score it: each reads replies and averages in its own way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase

import numpy as np

from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Measured, Variant
from videomind.evaluation.scoring.columns import Column, by_label, kinds_of, measured
from videomind.evaluation.scoring.latest import latest

Read = Callable[[str], str]
"""What a benchmark takes a reply for; "" = nothing."""
_VIDEO_MME_PHRASES = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option isThe correct option is",
    "Best answer:Best option:",
)
"""As in the original, where two commas are missing."""
_LONGVIDEOBENCH_PHRASES = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option is",
    "The correct option is",
    "Best answer:",
    "Best option:",
)


def mlvu_letter(reply: str) -> str:
    """All before the first closing bracket; so of "(A)", which its prompt does not let a model begin with, "(A"."""
    return reply.split(")")[0]


def mvbench_right(reply: str, answer: str) -> bool:
    """Whether the first word of the first line, with a bracket put before it, is part of "(a)" or holds it.

    So an empty reply is right.
    """
    word = f"({reply}".split("\n")[0].lower().split(" ")[0]
    return word.replace(".", "") in f"({answer.lower()})" or f"({answer.lower()})" in word


def lvbench_letter(reply: str) -> str:
    """The first character of what stands in the first brackets, or else of the first word."""
    reply = reply.split(")")[0].strip()
    if "(" in reply:
        reply = reply.split("(")[1].strip()
    return reply.split(" ")[0][:1]


def video_mme_letter(reply: str) -> str:
    """The first capital from A to D, some phrases left out."""
    return _first_capital(reply, _VIDEO_MME_PHRASES, "[ABCD]")


def longvideobench_letter(reply: str) -> str:
    """The first capital from A to E, some phrases left out. (Where there is none, the original draws lots.)"""
    return _first_capital(reply, _LONGVIDEOBENCH_PHRASES, "[ABCDE]")


def mlvu(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """M-Avg, the mean over tasks; each task's accuracy by task. Every question counts.

    Where several options are the answer (equal texts), the last is right.
    """
    rows = _with_options(samples)
    answers = np.array([_last_equal(row) for row in rows], dtype=object)
    column = Column(_letters(rows, predictions, mlvu_letter) == answers, np.ones(len(rows), dtype=bool))
    groups = by_label({"Acc": column}, rows, ("task",))
    tasks = [metrics["Acc"] for metrics in groups.get("task", {}).values()]
    return Measured({"M-Avg": sum(tasks) / len(tasks)} if tasks else {}, groups)


def mvbench(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """Avg, over all questions (each of the 20 tasks has 200), and by task. Every question counts."""
    rows = _with_options(samples)
    replies = _replies(rows, predictions)
    right = [
        reply is not None and row.answer is not None and mvbench_right(reply, row.answer)
        for row, reply in zip(rows, replies, strict=True)
    ]
    return measured({"Avg": Column(np.array(right, dtype=bool), np.ones(len(rows), dtype=bool))}, rows, ("task",))


def lvbench(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """acc, a fraction of the questions that have a reply, and by task: a question counts under each of its tasks."""
    rows = _with_options(samples)
    letters = _letters(rows, predictions, lvbench_letter)
    replied = np.array([reply is not None for reply in _replies(rows, predictions)], dtype=bool)
    return measured({"acc": Column(letters == _answers(rows), replied, 1.0)}, rows, ("task",))


def video_mme(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """Overall, of the questions whose reply names a letter, and by all that videos and questions are sorted by."""
    rows = _with_options(samples)
    letters = _letters(rows, predictions, video_mme_letter)
    return measured({"Overall": Column(letters == _answers(rows), letters != "")}, rows, kinds_of(rows))


def longvideobench(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Measured:
    """lvb_acc, a fraction of all questions, and by group of duration and category of question."""
    rows = _with_options(samples)
    right = _letters(rows, predictions, longvideobench_letter) == _answers(rows)
    columns = {"lvb_acc": Column(right, np.ones(len(rows), dtype=bool), 1.0)}
    return measured(columns, rows, kinds_of(rows))


def _with_options(samples: Sequence[Sample]) -> list[Sample]:
    """What can be scored: questions with options, if the split tells the answers of any."""
    rows = [sample for sample in samples if sample.options]
    return rows if any(row.answer is not None for row in rows) else []


def _replies(rows: Sequence[Sample], predictions: Sequence[Prediction]) -> list[str | None]:
    """The reply of each, without a beginning that it was forced to have; None where there is none."""
    found = [one.response if one else None for one in latest(rows, predictions)]
    return [None if reply is None else reply.strip() for reply in found]


def _letters(rows: Sequence[Sample], predictions: Sequence[Prediction], read: Read) -> np.ndarray:
    return np.array([read(reply) if reply else "" for reply in _replies(rows, predictions)], dtype=object)


def _answers(rows: Sequence[Sample]) -> np.ndarray:
    return np.array([row.answer for row in rows], dtype=object)


def _last_equal(row: Sample) -> str | None:
    """The letter of the last option that reads like the right one."""
    if row.answer is None:
        return None
    text = row.options[ascii_uppercase.index(row.answer)]
    return ascii_uppercase[max(place for place, option in enumerate(row.options) if option == text)]


def _first_capital(reply: str, phrases: Sequence[str], capitals: str) -> str:
    for phrase in phrases:
        reply = reply.replace(phrase, "")
    match = re.search(capitals, reply)
    return match[0] if match else ""


MLVU = Variant("official", "MLVU, choice_bench.py", mlvu)
MVBENCH = Variant("official", "MVBench, mvbench.ipynb", mvbench)
LVBENCH = Variant("official", "LVBench, compute_accuracy.py", lvbench)
VIDEO_MME = Variant("official", "Video-MME, eval_your_results.py", video_mme)
LONGVIDEOBENCH = Variant("official", "LongVideoBench, in lmms-eval", longvideobench)
