"""Several data sets as one endless row of samples: which one stands at an index depends on seed and index alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from videomind.errors import InputError


class Pick(NamedTuple):
    """A record: number of its data set, and its number in it."""

    part: int
    record: int


class Mixture:
    """Shuffles data sets together, epoch after epoch.

    Weight 1 shows every record of a set once an epoch, 2 twice, 0.5 every second one (the others in the next epoch):
    no record comes again before all others of its set have been seen.

    Args:
        sizes: number of records of each set.
        weights: how often a set is seen in an epoch; one per set.
        seed: another seed gives another order.

    Raises:
        InputError: a weight is not a positive number, or their number is not that of the sets.
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float], seed: int) -> None:
        if len(weights) != len(sizes):
            raise InputError(f"{len(weights)} weights for {len(sizes)} data sets: give one for each")
        if wrong := [weight for weight in weights if not 0 < weight < math.inf]:
            raise InputError(f"a data set has the weight {wrong[0]}: give a number above 0")
        self._sizes, self._seed = tuple(sizes), seed
        self._shares = tuple(max(1, round(weight * size)) for weight, size in zip(weights, sizes, strict=True))
        self._ends = list(accumulate(self._shares))

    def __len__(self) -> int:
        """Samples of one epoch."""
        return self._ends[-1]

    def at(self, index: int) -> Pick:
        """What stands at an index from 0 on; from `len` on the next epoch begins."""
        epoch, position = divmod(index, len(self))
        slot = int(_permutation((self._seed, epoch), len(self))[position])
        part = int(np.searchsorted(self._ends, slot, side="right"))
        share, size = self._shares[part], self._sizes[part]
        seen = epoch * share + slot - (self._ends[part] - share)
        turn, place = divmod(seen, size)
        return Pick(part, int(_permutation((self._seed, 1 + part, turn), size)[place]))


@lru_cache(maxsize=32)
def _permutation(seed: tuple[int, ...], size: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(size)
