"""Hard temporal non-maximum suppression as the published decoder does it (VideoMind, DESIGN sec. 3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]


def temporal_nms(rows: Rows, threshold: float = 0.75) -> Rows:
    """Suppress spans that overlap a better one.

    A suppressed span is not removed: its score becomes 0 and it falls behind. The published code fills ranks one by
    one, swapping the best span left to the next rank, so the order among suppressed spans is that of its swaps, not of
    their old scores. Survivors stay where they are until their own swap, so all pairs can be compared beforehand.

    Args:
        rows: [N, 3] of start, end, score (not negative) in any one unit of time.
        threshold: IoU from which the worse span is suppressed.

    Returns:
        [N, 3], best first.
    """
    rows = rows[np.argsort(-rows[:, 2], kind="stable")].astype(np.float32)
    alike = _iou(rows) >= threshold
    suppressed = rows[:, 2] <= 0
    order, rank = list(range(len(rows))), 0
    for place in order.copy():
        if not suppressed[place]:
            np.logical_or(suppressed, alike[place], out=suppressed)
            suppressed[place] = False
            order[rank], order[place] = order[place], order[rank]
            rank += 1
    rows[suppressed, 2] = 0.0
    return rows[order]


def _iou(rows: Rows) -> Rows:
    """IoU [N, N] of all spans with each other; 0 where both are empty."""
    starts, ends = rows[:, 0], rows[:, 1]
    inter = np.minimum.outer(ends, ends) - np.maximum.outer(starts, starts)
    np.clip(inter, 0, None, out=inter)
    lengths = ends - starts
    union = np.add.outer(lengths, lengths) - inter
    iou: Rows = np.divide(inter, union, out=np.zeros_like(inter), where=union != 0)
    return iou
