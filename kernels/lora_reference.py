"""Batched multi-LoRA said plainly, token by token: what the fast versions are compared with, in float64 mostly."""

from __future__ import annotations

from torch import Tensor

from videomind.kernels.lora_stack import LoraStack
from videomind.kernels.routing import BASE, Routing


def add_lora_reference(y_NO: Tensor, x_NI: Tensor, stack: LoraStack, routing: Routing) -> Tensor:
    """The contract of `videomind.kernels.lora.add_lora`, in the number type of its arguments."""
    for token, adapter in enumerate(routing.index.tolist()):
        adapted = stack.adapters[adapter] if adapter != BASE else None
        for _, columns, factors in adapted.parts if adapted else ():
            y = y_NO[token, columns]
            if factors.stretch is not None:
                y += factors.stretch * (y if factors.bias is None else y - factors.bias)
            y += factors.b @ (factors.a @ x_NI[token])
    return y_NO
