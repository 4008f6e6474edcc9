"""Which adapter acts on which token of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

BASE = -1
"""Adapter index of tokens on which no adapter acts."""
LONG = 32
"""Mean length from which runs of tokens are worth a product each; shorter ones are gathered by adapter first."""


class Group(NamedTuple):
    """Tokens [start, end) of one adapter, counted in batch order or, where a routing has places, among those."""

    adapter: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Routing:
    """Attributes:
    index: [N], adapter of every token, `BASE` where none acts.
    groups: what is multiplied together. None of them where nobody adapts, one [0, N) where one adapter acts on all.
    places: positions [n] of the adapted tokens, sorted by adapter; None where each group is a run of the batch itself.
    """

    index: Tensor
    groups: tuple[Group, ...]
    places: Tensor | None = None
    _kept: dict[object, Tensor] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        assert self.index.ndim == 1
        assert all(group.adapter != BASE and group.start < group.end for group in self.groups)

    def asked_for(self, ranks: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """1 where a token asked for the adapter that a column belongs to, else 0 [N, sum of ranks].

        Args:
            ranks: columns of each adapter. Layers mostly have the same, so the answer is kept.
            dtype: of the ones and zeros.
        """
        mask = self._kept.get((ranks, dtype))
        if mask is None:
            counts = torch.tensor(ranks, device=self.index.device)
            owner_R = torch.arange(len(ranks), device=self.index.device).repeat_interleave(counts)
            mask = self._kept[ranks, dtype] = (self.index[:, None] == owner_R).to(dtype)
        return mask

    def tiles(self, rows: int) -> Tensor:
        """The groups cut into at most `rows` tokens each: [tiles, 3], adapter, first token, end of the group; kept."""
        tiles = self._kept.get(rows)
        if tiles is None:
            cut = [(one.adapter, start, one.end) for one in self.groups for start in range(one.start, one.end, rows)]
            tiles = self._kept[rows] = torch.tensor(cut, device=self.index.device)
        return tiles


def route(index: Tensor) -> Routing:
    """Group the tokens of a batch by adapter.

    Tokens of one role mostly stand together (a prompt, a batch of one role); then a group is a run and nothing needs to
    be moved. Only where roles alternate within a few tokens, as when replies are decoded together, are they sorted.

    Args:
        index: adapter of every token, of any shape; it is flattened.
    """
    flat = index.flatten()
    runs = _runs(flat)
    adapted = tuple(run for run in runs if run.adapter != BASE)
    adapters = sorted({run.adapter for run in adapted})
    if len(adapted) == len(adapters) or len(flat) >= LONG * len(runs):
        return Routing(flat, adapted)
    order = flat.argsort(stable=True)
    lengths = dict.fromkeys(adapters, 0)
    for run in adapted:
        lengths[run.adapter] += run.end - run.start
    groups, start = [], 0
    for adapter, length in lengths.items():
        groups.append(Group(adapter, start, start + length))
        start += length
    return Routing(flat, tuple(groups), order[len(flat) - start :])  # `BASE` is the least, so its tokens stand first


def _runs(index_N: Tensor) -> list[Group]:
    """Neighbours of one adapter, `BASE` among them."""
    if not len(index_N):
        return []
    adapters, counts = index_N.unique_consecutive(return_counts=True)
    runs, start = [], 0
    for adapter, count in zip(adapters.tolist(), counts.tolist(), strict=True):
        runs.append(Group(adapter, start, start + count))
        start += count
    return runs
