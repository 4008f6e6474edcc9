"""Attention heads padded to a size that the CPU backend has a kernel for. Exact: what is added is zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from videomind.lora_switch.vllm_plugin.stock import Attention, current_platform


class PaddedAttention(Attention):
    """Attention whose heads are wider than those of its model."""

    def __init__(self, num_heads: int, head_size: int, scale: float, **kwargs: Any) -> None:
        super().__init__(num_heads, _padded(head_size), scale, **kwargs)
        self.true_size = head_size

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        wide = (self._widen(x) for x in (query, key, value))
        out = super().forward(*wide).unflatten(-1, (-1, self.head_size))
        narrow: Tensor = out[..., : self.true_size].flatten(-2)
        return narrow

    def _widen(self, x: Tensor) -> Tensor:
        heads = x.unflatten(-1, (-1, self.true_size))
        return F.pad(heads, (0, self.head_size - self.true_size)).flatten(-2)


@contextmanager
def padded_heads(head_size: int) -> Iterator[None]:
    """While a Qwen2 text model is built: pad its heads, where the backend has no kernel for their size."""
    import vllm.model_executor.models.qwen2 as qwen2

    stock = qwen2.Attention
    if current_platform.is_cpu() and _padded(head_size) != head_size:
        qwen2.Attention = PaddedAttention
    try:
        yield
    finally:
        qwen2.Attention = stock


def _padded(head_size: int) -> int:
    from vllm.v1.attention.backends.cpu_attn import CPUAttentionBackend

    sizes: list[int] = CPUAttentionBackend.get_supported_head_sizes()
    return min((size for size in sizes if size >= head_size), default=head_size)
