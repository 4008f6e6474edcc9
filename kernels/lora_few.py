"""Batched multi-LoRA for a few tokens of several roles, as when replies are decoded together: two products in all."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import linear

from videomind.kernels.lora_grouped import CALL
from videomind.kernels.lora_stack import LoraStack
from videomind.kernels.routing import Routing

CACHED = 1 << 18
"""Numbers of factors that stay in a core's cache. With more, reading them matters more than calls."""


def is_few(x_NI: Tensor, stack: LoraStack, routing: Routing) -> bool:
    """Whether groups are so short, and the layer so small, that fewer calls matter more than fewer multiplications."""
    if not stack.whole or (len(routing.groups) == 1 and routing.places is None):
        return False
    numbers = stack.a.numel() + stack.b.numel()
    return numbers <= CACHED and len(x_NI) * numbers <= 2 * CALL * len(routing.groups)


def add_lora_few(y_NO: Tensor, x_NI: Tensor, stack: LoraStack, routing: Routing) -> Tensor:
    """The contract of `videomind.kernels.lora.add_lora`, for stacks that are whole.

    All adapters are multiplied with all tokens, and what a token has not asked for is put to 0 in between.
    """
    low = linear(x_NI, stack.a).mul_(routing.asked_for(stack.ranks, x_NI.dtype))
    return y_NO.addmm_(low, stack.b)
