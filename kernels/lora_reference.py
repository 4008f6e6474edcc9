"""Batched multi-LoRA said plainly, token by token: what the fast versions are compared with, in float64 mostly."""

from __future__ import annotations

from torch import Tensor

from videomind.kernels.lora_stack import LoraStack
from videomind.kernels.routing import BASE, Routing


def add_lora_reference(y_NO: Tensor, x_NI: Tensor, stack: LoraStack, routing: Routing) -> Tensor:
    """The contract of `videomind.kernels.lora.add_lora`, in the number type of its arguments."""
    for token, adapter in enumerate(routing.index.tolist()):
        adapted = stack.adapters[adapter] if adapter != BASE else None
        if adapted is None:
            continue
        for part in adapted.parts:
            y = y_NO[token, part.columns]
            if part.stretch is not None:
                y += part.stretch * (y if part.bias is None else y - part.bias)
            y += adapted.a[part.ranks] @ x_NI[token] @ part.b
    return y_NO
