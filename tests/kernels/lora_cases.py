"""Layers, adapters and batches that every implementation of batched multi-LoRA is tried on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from videomind.kernels.lora import BASE, Factors, LoraStack, Routing, route
from videomind.kernels.lora_reference import add_lora_reference

MIXED = (1, 64, 7, 16)
"""Ranks of four adapters."""
BATCHES = {
    "nobody": [BASE] * 5,
    "nothing": [],
    "one for all": [2] * 6,
    "a single token": [1],
    "single tokens of each": [0, 1, 2, 3],
    "single tokens of each, unsorted, with the base between": [3, BASE, 0, 2, BASE, 1],
    "alternating": [0, 3, BASE, 1] * 20,
    "runs": [1] * 40 + [BASE] * 3 + [0] * 70 + [1] * 33 + [3],
    "some are absent": [3, 1, 3, 3, BASE, 1, 3],
    "one in several runs, with the base between": [BASE] * 5 + [2] * 3 + [BASE] * 6 + [2] * 3 + [BASE] * 4 + [2] * 2,
    "the base first, as with activated adapters": [BASE] * 17 + [2] * 5,
}
LAYERS = {"one": (96,), "q, k, v": (96, 32, 32), "odd": (65, 3)}


class Case(NamedTuple):
    """A layer's output and input, what adapts it, and which token asks for what."""

    y: Tensor
    x: Tensor
    slices: list[list[Factors | None]]
    outs: Sequence[int]
    routing: Routing

    @property
    def stack(self) -> LoraStack:
        return LoraStack.of(self.slices, self.outs)

    def to(self, dtype: torch.dtype, device: str = "cpu") -> Case:
        slices = [[_to(factors, dtype, device) for factors in adapters] for adapters in self.slices]
        routing = route(self.routing.index.to(device))
        return Case(self.y.to(device, dtype), self.x.to(device, dtype), slices, self.outs, routing)

    def expected(self) -> Tensor:
        """The reference in float64, from the numbers of this case as they are rounded."""
        exact = self.to(torch.float64)
        return add_lora_reference(exact.y, exact.x, exact.stack, exact.routing)


def case(
    index: Sequence[int],
    ranks: Sequence[int] = MIXED,
    outs: Sequence[int] = (96,),
    inputs: int = 80,
    dora: bool = False,
) -> Case:
    """Random factors and activations, all of about length 1. Adapter 1 leaves the last of several slices alone."""
    generator = torch.Generator().manual_seed(len(index) + inputs)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    slices: list[list[Factors | None]] = [
        [
            Factors(
                normal(rank, inputs) / inputs**0.5,
                normal(out, rank) / rank**0.5,
                *((0.3 * normal(out), normal(out) if place == 0 else None) if dora and rank % 2 else (None, None)),
            )
            if adapter != 1 or place == 0 or place < len(outs) - 1
            else None
            for adapter, rank in enumerate(ranks)
        ]
        for place, out in enumerate(outs)
    ]
    n = len(index)
    return Case(normal(n, sum(outs)), normal(n, inputs), slices, outs, route(torch.tensor(index, dtype=torch.long)))


def _to(factors: Factors | None, dtype: torch.dtype, device: str) -> Factors | None:
    if factors is None:
        return None
    return Factors(*(None if part is None else part.to(device, dtype) for part in factors))
