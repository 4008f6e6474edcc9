"""The samples in which a run did worst, and what is shown of each."""

from __future__ import annotations

from collections.abc import Sequence

from videomind.evaluation.report.measures import GOOD_IOU
from videomind.evaluation.report.row import Row

MOST = 12
"""Shown per run."""


def worst(rows: Sequence[Row], most: int = MOST) -> list[Row]:
    """The samples that failed, were answered wrongly or located badly (IoU below 0.5): the worst first.

    Of those that are as bad, the ones it was surest of come first.
    """
    bad = [row for row in rows if is_failure(row)]
    return sorted(bad, key=lambda row: (_goodness(row), -(row.confidence or 0.0)))[:most]


def is_failure(row: Row) -> bool:
    """Whether an error, a wrong option, or an IoU below 0.5."""
    return row.error is not None or row.right is False or (row.iou is not None and row.iou < GOOD_IOU)


def _goodness(row: Row) -> float:
    if row.error is not None:
        return -1.0
    return float(row.right or 0) + (row.iou or 0.0)


def true_answer(row: Row) -> str:
    """The right option as people read it: "B  a red square"; "" where there is none."""
    return "" if row.answer is None else option_text(row.options, row.answer)


def given_answer(row: Row) -> str:
    """What was answered: the option, or the reply where no option could be read; "" where nothing was asked."""
    if row.option is not None:
        return option_text(row.options, row.option)
    if row.reply is None:
        return ""
    return f"no option ({row.reply.strip() or 'an empty reply'})" if row.options else row.reply


def option_text(options: Sequence[str], letter: str) -> str:
    """An option by its letter, with its text where there is one of that letter."""
    place = ord(letter) - ord("A") if len(letter) == 1 else -1
    return f"{letter}  {options[place]}" if 0 <= place < len(options) else letter
