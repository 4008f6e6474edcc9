"""Hard temporal non-maximum suppression as the published decoder does it (VideoMind, DESIGN sec. 3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]


def temporal_nms(rows: Rows, threshold: float = 0.75) -> Rows:
    """Suppress spans that overlap a better one.

    A suppressed span is not removed: its score becomes 0 and it falls behind. Ranks are filled one by one by
    swapping, so the order among suppressed spans is that of the published selection, not of their old scores.

    Args:
        rows: [N, 3] of start, end, score in any one unit of time.
        threshold: IoU from which the worse span is suppressed.

    Returns:
        [N, 3], best first.
    """
    rows = rows[np.argsort(-rows[:, 2], kind="stable")].astype(np.float32)
    for rank in range(len(rows)):
        best = rank + int(np.argmax(rows[rank:, 2]))
        rows[[rank, best]] = rows[[best, rank]]
        rest = rows[rank + 1 :]
        rest[_iou(rows[rank], rest) >= threshold, 2] = 0.0
    return rows


def _iou(span: Rows, others: Rows) -> Rows:
    """IoU of one span [3] with others [M, 3]; 0 where both are empty."""
    overlap = np.minimum(span[1], others[:, 1]) - np.maximum(span[0], others[:, 0])
    inter = np.clip(overlap, 0, None)
    union = (span[1] - span[0]) + (others[:, 1] - others[:, 0]) - inter
    iou: Rows = np.divide(inter, union, out=np.zeros_like(inter), where=union != 0)
    return iou
