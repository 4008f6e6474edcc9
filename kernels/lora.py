"""Batched multi-LoRA: one linear layer, many adapters, each token with the adapter its role asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

BASE = -1
"""Adapter index of tokens on which no adapter acts."""


class Routing(NamedTuple):
    """Which adapter acts on which token of a batch.

    Attributes:
        groups: (adapter index, flat positions [n] of its tokens in the [B·L] batch), or None for all tokens.
    """

    groups: tuple[tuple[int, Tensor | None], ...]


class Factors(NamedTuple):
    """One adapter on one module, the scale already in B: delta = B · A.

    Attributes:
        a, b: [r, in] and [out, r].
        stretch: [out], by what part of itself the base's output grows (DoRA), or None. B has grown with it already.
        bias: [out], the base's bias, which does not grow, or None.
    """

    a: Tensor
    b: Tensor
    stretch: Tensor | None = None
    bias: Tensor | None = None


def route(index_BL: Tensor) -> Routing:
    """Group the tokens of a batch by adapter (`BASE` tokens belong to no group)."""
    flat = index_BL.flatten()
    adapters = flat.unique().tolist()
    if len(adapters) == 1:
        return Routing(() if adapters[0] == BASE else ((adapters[0], None),))
    return Routing(tuple((a, (flat == a).nonzero().squeeze(-1)) for a in adapters if a != BASE))


def add_lora(y_BLO: Tensor, x_BLI: Tensor, factors: Sequence[Factors | None], routing: Routing) -> Tensor:
    """y with every token's own adapter applied: y += (x Aᵀ) Bᵀ, with DoRA also + stretch · (y − bias).

    Args:
        y_BLO: [B, L, out], the base layer's output; changed in place.
        x_BLI: [B, L, in], the layer's input.
        factors: per adapter index, None where the adapter does not touch this module.
        routing: from `route`, for the same batch.
    """
    y, x = y_BLO.view(-1, y_BLO.shape[-1]), x_BLI.flatten(0, 1)
    for adapter, places in routing.groups:
        pair = factors[adapter]
        if pair is None:
            continue
        low = torch.nn.functional.linear(x if places is None else x.index_select(0, places), pair.a)
        delta = torch.nn.functional.linear(low, pair.b)
        if pair.stretch is not None:
            base = y if places is None else y.index_select(0, places)
            delta += pair.stretch * (base if pair.bias is None else base - pair.bias)
        if places is None:
            y += delta
        else:
            y.index_add_(0, places, delta)
    return y_BLO
