"""Batched multi-LoRA for a few tokens, as when replies are decoded: two products, whichever adapters they ask for."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import linear

from videomind.kernels.lora_stack import LoraStack
from videomind.kernels.routing import Routing

WORTH = 200_000
"""Multiplications that take about as long as the call of a product."""
CACHED = 1 << 18
"""Numbers of factors up to which that is so: they stay in a core's cache."""


def is_few(x_NI: Tensor, stack: LoraStack, routing: Routing) -> bool:
    """Whether tokens are so few, and the layer so small, that fewer calls matter more than fewer multiplications."""
    if not stack.whole:
        return False
    ranks = stack.ranks[routing.groups[0].adapter] if _is_one_run(routing) else len(stack.a)
    numbers = ranks * (stack.a.shape[1] + stack.b.shape[1])
    calls = len(routing.groups) * (1 + len(stack.outs))  # if every group were multiplied by itself
    return numbers <= CACHED and len(x_NI) * numbers <= WORTH * calls


def add_lora_few(y_NO: Tensor, x_NI: Tensor, stack: LoraStack, routing: Routing) -> Tensor:
    """The contract of `videomind.kernels.lora.add_lora`, for stacks that are whole.

    One run of tokens of one adapter is multiplied by itself. Otherwise all adapters are multiplied with all tokens, and
    what a token has not asked for is put to 0 between shrink and expand.
    """
    if not _is_one_run(routing):
        low = linear(x_NI, stack.a).mul_(routing.asked_for(stack.ranks, x_NI.dtype))
        return y_NO.addmm_(low, stack.b)
    ((adapter, start, end),) = routing.groups
    adapted = stack.adapters[adapter]
    if adapted is not None:
        assert adapted.b is not None
        all_tokens = end - start == len(y_NO)
        y, x = (y_NO, x_NI) if all_tokens else (y_NO[start:end], x_NI[start:end])
        y.addmm_(linear(x, adapted.a), adapted.b)
    return y_NO


def _is_one_run(routing: Routing) -> bool:
    return len(routing.groups) == 1 and routing.places is None
