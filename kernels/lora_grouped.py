"""Batched multi-LoRA as matrix products per adapter: one shrink for all slices of a layer, an expand per slice."""

from __future__ import annotations

from torch import Tensor

from videomind.kernels.linear import linear, takes_onednn
from videomind.kernels.lora_stack import Adapted, LoraStack
from videomind.kernels.routing import Routing


def add_lora_grouped(y_NO: Tensor, x_NI: Tensor, stack: LoraStack, routing: Routing) -> Tensor:
    """The contract of `videomind.kernels.lora.add_lora`, on any device."""
    if routing.places is None:
        for adapter, start, end in routing.groups:
            _add(y_NO[start:end], x_NI[start:end], stack.adapters[adapter])
        return y_NO
    y, x = y_NO.index_select(0, routing.places), x_NI.index_select(0, routing.places)
    for adapter, start, end in routing.groups:
        _add(y[start:end], x[start:end], stack.adapters[adapter])
    return y_NO.index_copy_(0, routing.places, y)


def _add(y_nO: Tensor, x_nI: Tensor, adapted: Adapted | None) -> None:
    """Add one adapter to rows that it acts on alone, in place."""
    if adapted is None:
        return
    low = linear(x_nI, adapted.a)
    for ranks, columns, b, stretch, bias in adapted.parts:
        y = y_nO[:, columns]
        if stretch is not None:
            y += stretch * (y if bias is None else y - bias)
        _expand(y, low[:, ranks], b)


def _expand(y_no: Tensor, low_nr: Tensor, b_ro: Tensor) -> None:
    """y += low · Bᵀ. Adding costs MKL nothing and oneDNN a pass over y, which its faster product makes good."""
    if takes_onednn(low_nr, b_ro.T):
        y_no += linear(low_nr, b_ro.T)
    else:
        y_no.addmm_(low_nr, b_ro)
