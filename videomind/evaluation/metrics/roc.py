"""How well a score tells two kinds of things apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from videomind.errors import InputError


def roc_auc(positive_scores: npt.ArrayLike, negative_scores: npt.ArrayLike) -> float:
    """Area under the ROC curve: how often a positive scores above a negative, ties counting half.

    Args:
        positive_scores: [P] scores of what should score high.
        negative_scores: [N] scores of what should score low.

    Raises:
        InputError: there are none of one kind, or a score is not a finite number.
    """
    positive, negative = np.asarray(positive_scores, dtype=np.float64), np.asarray(negative_scores, dtype=np.float64)
    if not positive.size or not negative.size:
        raise InputError(f"{positive.size} positive and {negative.size} negative scores: a ROC curve needs both kinds")
    if not (np.isfinite(positive).all() and np.isfinite(negative).all()):
        raise InputError("a ROC curve needs finite scores")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    not_above = np.searchsorted(ordered, positive, side="right")
    return float((below + not_above).mean() / 2 / negative.size)
