"""The visual tower, with attention batched over frame pairs.

All frame pairs of a view have the same number of patches, so attention within each pair is one batched call
instead of a loop over cumulative sequence lengths.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.kernels.linear import linear

_GELU = 1.702


def encode_view(visual: Any, patches_NP: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """Visual tokens [T·h·w / 4, H] of one view.

    Args:
        visual: transformers' Qwen2-VL visual tower (weights and layers are used, its forward is not).
        patches_NP: [T·h·w, 1176] normalised patches in Qwen2-VL's order.
        grid: (T, h, w) in patches.
    """
    frames, rows, columns = grid
    kernel = visual.patch_embed.proj.weight.flatten(1)  # a convolution whose stride is its size is a matrix product
    x_TNC = linear(patches_NP.to(kernel.dtype), kernel).unflatten(0, (frames, rows * columns))
    place = _patch_places(rows, columns, visual.spatial_merge_size).to(x_TNC.device)
    cos, sin = _rotary(place, x_TNC.shape[-1] // visual.blocks[0].attn.num_heads)
    for block in visual.blocks:
        x_TNC = x_TNC + _attend(block.attn, block.norm1(x_TNC), cos, sin)
        x_TNC = x_TNC + _feed(block.mlp, block.norm2(x_TNC), visual.config.hidden_act)
    merger = visual.merger
    cells = merger.ln_q(x_TNC).view(-1, merger.hidden_size)
    return _sequence(merger.mlp, cells)


def _attend(attention: Any, x_TNC: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    qkv = _apply(attention.qkv, x_TNC).unflatten(-1, (3, attention.num_heads, -1))
    q, k = _rotate(qkv[:, :, :2], cos, sin).permute(2, 0, 3, 1, 4)
    v = qkv[:, :, 2].transpose(1, 2)
    return _apply(attention.proj, F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def _feed(mlp: Any, x: Tensor, activation: str) -> Tensor:
    inner = _apply(mlp.fc1, x)
    return _apply(mlp.fc2, quick_gelu(inner) if activation == "quick_gelu" else mlp.act(inner))


def quick_gelu(x: Tensor) -> Tensor:
    """x · sigmoid(1.702 x), by way of SiLU, which takes one pass over memory."""
    return F.silu(x * _GELU).div_(_GELU)


def _sequence(layers: Any, x: Tensor) -> Tensor:
    for layer in layers:
        x = _apply(layer, x) if isinstance(layer, nn.Linear) else layer(x)
    return x


def _apply(layer: nn.Linear, x: Tensor) -> Tensor:
    return linear(x, layer.weight, layer.bias)


def _patch_places(rows: int, columns: int, merge: int) -> Tensor:
    """Row and column [N, 2] of each patch of one frame pair, in the order of merged groups."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")

    def grouped(index: Tensor) -> Tensor:
        return index.reshape(rows // merge, merge, columns // merge, merge).transpose(1, 2).flatten()

    return torch.stack([grouped(row), grouped(column)], dim=-1)


def _rotary(place_N2: Tensor, head_dim: int, theta: float = 10000.0) -> tuple[Tensor, Tensor]:
    """Cosine and sine [N, 1, 1, head_dim / 2]: half of the frequencies for rows, half for columns."""
    half = head_dim // 2
    frequency = 1.0 / theta ** (torch.arange(0, half, 2, device=place_N2.device, dtype=torch.float32) / half)
    angle = (place_N2[..., None].float() * frequency).flatten(1)[:, None, None]
    return angle.cos(), angle.sin()


def _rotate(x_TNKHD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding in float32, as the published towers do, given back in x's dtype."""
    first, second = x_TNKHD.float().chunk(2, dim=-1)
    turned = (torch.addcmul(first * cos, second, sin, value=-1), torch.addcmul(second * cos, first, sin))
    return torch.cat(turned, dim=-1).to(x_TNKHD.dtype)
