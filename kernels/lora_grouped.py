"""Batched multi-LoRA as matrix products per adapter: one shrink for all slices of a layer, an expand per slice."""

from __future__ import annotations

from torch import Tensor

from videomind.kernels.linear import FEWEST_PRODUCTS, linear, takes_onednn
from videomind.kernels.lora_stack import Adapted, LoraStack
from videomind.kernels.routing import Routing

CALL = 200_000
"""Multiplications that take about as long as the call of a small product."""


def add_lora_grouped(y_NO: Tensor, x_NI: Tensor, stack: LoraStack, routing: Routing) -> Tensor:
    """The contract of `videomind.kernels.lora.add_lora`, on any device."""
    places = routing.places
    y, x = (y_NO, x_NI) if places is None else (y_NO.index_select(0, places), x_NI.index_select(0, places))
    for adapter, start, end in routing.groups:
        adapted = stack.adapters[adapter]
        if adapted is None:
            continue
        if end - start == len(y):
            _add(y, x, adapted)
        else:
            _add(y[start:end], x[start:end], adapted)
    return y_NO if places is None else y_NO.index_copy_(0, places, y)


def _add(y_nO: Tensor, x_nI: Tensor, adapted: Adapted) -> None:
    """Add one adapter to rows that it acts on alone, in place."""
    low = linear(x_nI, adapted.a)
    if adapted.b is not None and len(x_nI) * adapted.zeros <= CALL * (len(adapted.parts) - 1):
        _expand(y_nO, low, adapted.b)
        return
    for ranks, columns, b, stretch, bias in adapted.parts:
        y = y_nO[:, columns]
        if stretch is not None:
            y += stretch * (y if bias is None else y - bias)
        _expand(y, low[:, ranks], b)


def _expand(y_no: Tensor, low_nr: Tensor, b_ro: Tensor) -> None:
    """y += low · Bᵀ. Adding costs MKL nothing and oneDNN a pass over y, which its faster product makes good."""
    if len(low_nr) * b_ro.numel() >= FEWEST_PRODUCTS and takes_onednn(low_nr, b_ro.T):
        y_no += linear(low_nr, b_ro.T)
    else:
        y_no.addmm_(low_nr, b_ro)
