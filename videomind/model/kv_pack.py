"""KV as it is kept for later: as it is, or in 8 bits.

In 8 bits keys are scaled per channel, whose sizes differ much, and values per token (KIVI, arXiv 2402.02750).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

KVFormat = Literal["exact", "int8"]
_LEVELS = 127


class PackedKV(NamedTuple):
    """Keys and values of some tokens.

    Attributes:
        kv: [layers, 2, heads, P, size], numbers or 8-bit codes.
        dtype: the number type that they had.
        scales: of codes: of each channel of the keys [layers, heads, 1, size], and of each token of the values
            [layers, heads, P, 1], float32; None where nothing is packed.
    """

    kv: Tensor
    dtype: torch.dtype
    scales: tuple[Tensor, Tensor] | None = None

    @property
    def tokens(self) -> int:
        return self.kv.shape[3]

    @property
    def nbytes(self) -> int:
        return self.kv.nbytes + sum(scale.nbytes for scale in self.scales or ())

    def unpacked(self) -> Tensor:
        """[layers, 2, heads, P, size]; of 8-bit codes an approximation."""
        if self.scales is None:
            return self.kv
        parts = zip(self.kv.unbind(1), self.scales, strict=True)
        return torch.stack([(codes * scale).to(self.dtype) for codes, scale in parts], dim=1)


def pack_kv(kv: Tensor, how: KVFormat) -> PackedKV:
    """Keep [layers, 2, heads, P, size] exactly, or in 8 bits (a quarter of the bytes in float32, half in bfloat16)."""
    if how == "exact":
        return PackedKV(kv, kv.dtype)
    keys, values = kv.float().unbind(1)
    scales = (_scale(keys, 2), _scale(values, 3))
    codes = [(part / scale).round_().to(torch.int8) for part, scale in zip((keys, values), scales, strict=True)]
    return PackedKV(torch.stack(codes, dim=1), kv.dtype, scales)


def _scale(part: Tensor, over: int) -> Tensor:
    """What one level is worth, along a dimension; never 0."""
    return (part.abs().amax(over, keepdim=True) / _LEVELS).clamp_min(torch.finfo(part.dtype).tiny)
