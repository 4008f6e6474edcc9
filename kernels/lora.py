"""Batched multi-LoRA: one linear layer, many adapters, each token with the adapter its role asks for."""

from __future__ import annotations

from torch import Tensor

from videomind.kernels.lora_few import add_lora_few, is_few
from videomind.kernels.lora_grouped import add_lora_grouped
from videomind.kernels.lora_stack import Factors, LoraStack
from videomind.kernels.routing import BASE, Routing, route

__all__ = ["BASE", "Factors", "LoraStack", "Routing", "add_lora", "route"]


def add_lora(y_NO: Tensor, x_NI: Tensor, stack: LoraStack, routing: Routing) -> Tensor:
    """y with every token's own adapter applied: y += (x Aᵀ) Bᵀ, with DoRA also + stretch · (y − bias).

    Args:
        y_NO: [N, out], the base layer's output, all slices side by side; changed in place.
        x_NI: [N, in], the layer's input.
        stack: the layer's adapters.
        routing: from `route`, for the same tokens.
    """
    if not routing.groups:
        return y_NO
    version = add_lora_few if is_few(x_NI, stack, routing) else add_lora_grouped
    return version(y_NO, x_NI, stack, routing)
