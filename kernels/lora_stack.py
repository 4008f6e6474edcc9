"""The factors of all adapters on one linear layer, or on several that share their input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Factors(NamedTuple):
    """One adapter on one layer, the scale already in B: delta = B · A.

    Attributes:
        a, b: [r, in] and [out, r].
        stretch: [out], by what part of itself the base's output grows (DoRA), or None. B has grown with it already.
        bias: [out], the base's bias, which does not grow, or None.
    """

    a: Tensor
    b: Tensor
    stretch: Tensor | None = None
    bias: Tensor | None = None


class Part(NamedTuple):
    """One adapter on one slice.

    Attributes:
        ranks: its columns among those of the adapter's one shrink.
        columns: its columns of the output.
        factors: A is a view of the stacked one.
    """

    ranks: slice
    columns: slice
    factors: Factors


class Adapted(NamedTuple):
    """One adapter on all slices: the stacked A [sum of ranks, in], and what each slice makes of x · Aᵀ."""

    a: Tensor
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LoraStack:
    """Adapters on a layer whose output is made of slices (q, k and v of one fused product; mostly just one slice).

    Attributes:
        adapters: per adapter index what it does here; None where it leaves the layer alone.
        outs: output features of each slice.
    """

    adapters: tuple[Adapted | None, ...]
    outs: tuple[int, ...]

    @classmethod
    def of(cls, slices: Sequence[Sequence[Factors | None]], outs: Sequence[int]) -> LoraStack:
        """Stack factors.

        Args:
            slices: per slice and adapter index its factors, of any rank; None where the adapter leaves it alone.
            outs: output features of each slice.

        Raises:
            ValueError: the slices disagree about the number of adapters or inputs, or factors do not fit their slice.
        """
        if len(slices) != len(outs) or len({len(one) for one in slices}) > 1:
            raise ValueError(f"{len(slices)} slices of {[len(one) for one in slices]} adapters for {len(outs)} outputs")
        stacked = (_adapted(factors, outs) for factors in zip(*slices, strict=True))
        return cls(tuple(stacked), tuple(outs))


def _adapted(factors: Sequence[Factors | None], outs: Sequence[int]) -> Adapted | None:
    present = [one for one in factors if one is not None]
    if not present:
        return None
    if len({one.a.shape[1] for one in present}) > 1:
        raise ValueError(f"slices of one layer take {[one.a.shape[1] for one in present]} inputs")
    a = torch.cat([one.a for one in present]) if len(present) > 1 else present[0].a
    parts, rank, column = [], 0, 0
    for one, out in zip(factors, outs, strict=True):
        if one is not None:
            end = rank + one.a.shape[0]
            if one.b.shape != (out, end - rank):
                raise ValueError(f"A {list(one.a.shape)} and B {list(one.b.shape)} are no factors of {out} outputs")
            parts.append(Part(slice(rank, end), slice(column, column + out), one._replace(a=a[rank:end])))
            rank = end
        column += out
    return Adapted(a, tuple(parts))
