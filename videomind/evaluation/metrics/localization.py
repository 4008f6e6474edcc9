"""R@k at an overlap, and the mean overlap: what most of temporal grounding is measured by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from videomind.evaluation.metrics.overlap import hull_iou, iou
from videomind.evaluation.metrics.ragged import Floats, Ints, Ragged, head, largest, pairs

Overlap = Callable[[Floats, Floats], Floats]


def best_overlaps(listed: Ragged, truths: Ragged, overlap: Overlap, dtype: type[np.floating] = np.float64) -> Floats:
    """The overlap of each listed span with the true span of its row that it overlaps most [N]; 0 where there is none.

    Args:
        listed: predicted spans.
        truths: true spans, as many rows.
        overlap: what is measured (`videomind.evaluation.metrics.overlap`).
        dtype: what it is measured in.
    """
    span, truth, each = pairs(listed, truths)
    found = overlap(listed.spans.astype(dtype)[span], truths.spans.astype(dtype)[truth])
    return largest(found, each)


def best_of_first(overlaps: Floats, counts: Ints, k: int) -> Floats:
    """The largest overlap among the first k of each row [R]; 0 for a row that lists nothing.

    A row is a hit of R@k where this reaches the threshold. In float32 compare with a Python float, which is rounded
    to float32 first: so does torch.
    """
    places = np.arange(len(overlaps)) - np.repeat(counts.cumsum() - counts, counts)
    return largest(overlaps[places < k], np.minimum(counts, k))


def paired_iou(listed: Ragged, truths: Ragged, k: int) -> Floats:
    """IoU of the best pair of a span among the first k of each row and a true one [R]; 0 where there is no pair.

    As moment_detr and ReXTime measure it: the pair is chosen by `iou`, of equals the first, and measured by `hull_iou`.
    """
    first = head(listed, k)
    span, truth, _ = pairs(first, truths)
    each = first.counts * truths.counts
    spans, true = first.spans[span], truths.spans[truth]
    found = iou(spans, true)
    best = np.flatnonzero(found == np.repeat(largest(found, each), each))
    rows, at = np.unique(np.repeat(np.arange(len(each)), each)[best], return_index=True)
    result = np.zeros(len(each))
    result[rows] = hull_iou(spans[best[at]], true[best[at]])
    return result
