"""Highlight detection as QVHighlights measures it (moment_detr's evaluation, after video2gif's)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from videomind.evaluation.metrics.ragged import Bools, Ints

Floats = npt.NDArray[np.float64]


def highlight_precision(scores: Floats, right: Bools, clips: Ints) -> Floats:
    """Average precision of the order that the scores put the clips in [Q, K].

    Precision is interpolated and averaged over the scores at which recall grows, so right clips of one score count
    once. It is 0 where no clip is right, and 1 where all are.

    Args:
        scores: of each clip [Q, C].
        right: whether each clip is a highlight [Q, K, C], in K opinions; False beyond the video.
        clips: how many of the C places each video really has [Q].
    """
    queries, opinions, width = right.shape
    scores = np.where(np.arange(width) < clips[:, None], scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")
    last = _last_alike(np.take_along_axis(scores, order, axis=1))
    query, opinion, rank = np.nonzero(np.take_along_axis(right, order[:, None], axis=2))
    list_of = query * opinions + opinion
    found = np.bincount(list_of, minlength=queries * opinions)
    place = np.arange(len(rank)) - np.repeat(found.cumsum() - found, found)
    end = last[query, rank]
    counts = np.append((list_of[1:] != list_of[:-1]) | (end[1:] != end[:-1]), True)[: len(rank)]
    precision = np.zeros((queries * opinions, int(found.max(initial=0))))
    precision[list_of[counts], place[counts]] = (place[counts] + 1) / (end[counts] + 1)
    interpolated = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    grows = precision > 0
    averages: Floats = (interpolated * grows).sum(axis=1) / np.maximum(grows.sum(axis=1), 1)
    return averages.reshape(queries, opinions)


def highlight_hit(best: Ints, right: Bools, clips: Ints) -> Bools:
    """Whether the clip put first is a highlight in any annotator's opinion [Q]; never where it is beyond the video.

    Args:
        best: the clip of the highest score, of equals the first [Q].
        right: as in `highlight_precision`.
        clips: how many clips each video has [Q].
    """
    inside = np.minimum(best, right.shape[-1] - 1)
    hits: Bools = right[np.arange(len(best)), :, inside].any(axis=-1) & (best < clips)
    return hits


def _last_alike(ranked: Floats) -> Ints:
    """The last place [Q, C] that has the same score as each, for scores [Q, C] in falling order."""
    width = ranked.shape[1]
    ends = np.full(ranked.shape, width - 1)
    ends[:, :-1] = np.where(ranked[:, 1:] != ranked[:, :-1], np.arange(width - 1), width - 1)
    return np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
