"""The factors of all adapters on one linear layer, or on several that share their input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

MOST_ZEROS = 1 << 18
"""Numbers that may be wasted on a layer to have all slices of its adapters in one matrix."""


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
        b: Bᵀ [r, out], a view of the stack's memory.
        stretch, bias: as in `Factors`.
    """

    ranks: slice
    columns: slice
    b: Tensor
    stretch: Tensor | None
    bias: Tensor | None


class Adapted(NamedTuple):
    """One adapter on all slices.

    Attributes:
        a: its A of all slices [r, in], a view of the stack's memory.
        b: its Bᵀ over all slices [r, out], where the stack is whole.
        zeros: how many numbers of that are zeros, in columns of other slices.
        parts: what each slice makes of x · Aᵀ.
    """

    a: Tensor
    b: Tensor | None
    zeros: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class LoraStack:
    """Adapters on a layer whose output is made of slices (q, k and v of one fused product; mostly just one slice).

    Attributes:
        adapters: per adapter index what it does here; None where it leaves the layer alone.
        outs: output features of each slice.
        ranks: rows of `a` that are each adapter's, in their order.
        a: A of all adapters, all slices, one behind the other [R, in].
        b: Bᵀ of all of them: [R, out] with zeros in the columns of other slices if the stack is whole, else [numbers].
        whole: whether it is. Not where zeros would take much room, nor where one of the adapters is a DoRA.
    """

    adapters: tuple[Adapted | None, ...]
    outs: tuple[int, ...]
    ranks: tuple[int, ...]
    a: Tensor
    b: Tensor
    whole: bool

    @classmethod
    def of(cls, slices: Sequence[Sequence[Factors | None]], outs: Sequence[int]) -> LoraStack:
        """Stack factors.

        Args:
            slices: per slice and adapter index its factors, of any rank; None where the adapter leaves it alone.
            outs: output features of each slice.

        Raises:
            ValueError: the slices disagree about the number of adapters or inputs, or factors do not fit their slice.
        """
        _check(slices, outs)
        by_adapter = list(zip(*slices, strict=True))
        present = [one for factors in by_adapter for one in factors if one is not None]
        ranks = tuple(sum(one.a.shape[0] for one in factors if one is not None) for factors in by_adapter)
        numbers = sum(one.b.numel() for one in present)
        whole = sum(ranks) * sum(outs) - numbers <= MOST_ZEROS and all(one.stretch is None for one in present)
        a = torch.cat([one.a for one in present]) if present else torch.empty(0, 0)
        b = a.new_zeros((sum(ranks), sum(outs)) if whole else numbers)
        adapters: list[Adapted | None] = []
        row = used = 0
        for factors in by_adapter:
            parts, first, column = [], row, 0
            for one, out in zip(factors, outs, strict=True):
                if one is not None:
                    rank, columns = one.a.shape[0], slice(column, column + out)
                    own = b[row : row + rank, columns] if whole else b[used : used + rank * out].view(rank, out)
                    parts.append(Part(slice(row - first, row - first + rank), columns, own, one.stretch, one.bias))
                    own.copy_(one.b.T)
                    row, used = row + rank, used + rank * out
                column += out
            mine, zeros = slice(first, row), (row - first) * sum(outs) - sum(part.b.numel() for part in parts)
            adapters.append(Adapted(a[mine], b[mine] if whole else None, zeros, tuple(parts)) if parts else None)
        return cls(tuple(adapters), tuple(outs), ranks, a, b, whole)


def _check(slices: Sequence[Sequence[Factors | None]], outs: Sequence[int]) -> None:
    if len(slices) != len(outs) or len({len(one) for one in slices}) > 1:
        raise ValueError(f"{len(slices)} slices of {[len(one) for one in slices]} adapters for {len(outs)} outputs")
    inputs = {one.a.shape[1] for factors in slices for one in factors if one is not None}
    if len(inputs) > 1:
        raise ValueError(f"adapters of one layer take {sorted(inputs)} inputs")
    for factors, out in zip(slices, outs, strict=True):
        for one in factors:
            if one is not None and one.b.shape != (out, one.a.shape[0]):
                raise ValueError(f"A {list(one.a.shape)} and B {list(one.b.shape)} are no factors of {out} outputs")
