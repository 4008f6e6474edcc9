"""Batched multi-LoRA: one linear layer, many adapters, each token with the adapter its role asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from videomind.kernels.lora_few import add_lora_few, is_few
from videomind.kernels.lora_grouped import add_lora_grouped
from videomind.kernels.lora_stack import Factors, LoraStack
from videomind.kernels.routing import BASE, Routing, route

Version = Callable[[Tensor, Tensor, LoraStack, Routing], Tensor]
"""An implementation of `add_lora`."""
__all__ = ["BASE", "Factors", "LoraStack", "Routing", "add_lora", "route"]

ON_CUDA = (torch.float32, torch.bfloat16, torch.float16)
"""Number types that the Triton kernels take."""


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
    if x_NI.is_cuda and x_NI.dtype in ON_CUDA:
        return _version_for_cuda()(y_NO, x_NI, stack, routing)
    version = add_lora_few if is_few(x_NI, stack, routing) else add_lora_grouped
    return version(y_NO, x_NI, stack, routing)


@cache
def _version_for_cuda() -> Version:
    """The Triton kernels, if Triton is there and this is a platform that it knows."""
    try:
        from videomind.kernels.lora_triton import add_lora_triton
    except ImportError:
        return add_lora_grouped
    return add_lora_triton
