"""How far a mean would move with other videos (cluster bootstrap)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from videomind.evaluation.metrics.ragged import Bools, Floats, Ints

RESAMPLES = 1000
SEED = 0
_AT_ONCE = 50


def bootstrap_means(values: Floats, counted: Bools, videos: Ints) -> npt.NDArray[np.float64]:
    """95 % intervals [M, 2] of M means, in the units of the values.

    Drawn are whole videos, since questions about one video are right or wrong together: `RESAMPLES` times as many as
    there are, with replacement, always with the same seed. NaN for a mean over nothing.

    Args:
        values: [R, M].
        counted: which values a mean is over [R, M].
        videos: the video of each row [R], 0 to V - 1.
    """
    number = int(videos.max(initial=-1)) + 1
    means = np.full((RESAMPLES, values.shape[1]), np.nan)
    sums = _by_video(np.where(counted, values, 0), videos, number)
    kinds: dict[bytes, int] = {}
    kind = [kinds.setdefault(column.tobytes(), len(kinds)) for column in counted.T]
    counts = _by_video(counted[:, [kind.index(each) for each in kinds.values()]], videos, number)
    dice = np.random.default_rng(SEED)
    for begin in range(0, RESAMPLES if number else 0, _AT_ONCE):
        draws = dice.integers(number, size=(_AT_ONCE, number))
        weights = np.stack([np.bincount(draw, minlength=number) for draw in draws]).astype(np.float64)
        drawn = (weights @ counts)[:, kind]
        part = means[begin : begin + _AT_ONCE]
        np.divide(weights @ sums, drawn, out=part, where=drawn > 0)
    intervals = np.full((values.shape[1], 2), np.nan)
    there = ~np.isnan(means).all(axis=0)
    if there.any():
        intervals[there] = np.nanquantile(means[:, there], (0.025, 0.975), axis=0).T
    return intervals


def _by_video(values: Floats | Bools, videos: Ints, number: int) -> npt.NDArray[np.float64]:
    """Sums of the values [R, M] of each video [V, M]."""
    columns = [np.bincount(videos, weights=column, minlength=number) for column in values.T]
    return np.array(columns, dtype=np.float64).reshape(values.shape[1], number).T
