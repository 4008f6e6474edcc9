"""The timestamp decoder: from hidden states of a video and a query to scored spans (DESIGN sec. 3).

Parameter names are those of the published checkpoints, so their state dicts load as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.kernels.nms import Rows, temporal_nms

STRIDES = (1, 2, 4, 8)
HEADS = 8
MAX_SPANS = 100
_ACTIVATIONS: dict[str, type[nn.Module]] = {"silu": nn.SiLU, "gelu": nn.GELU, "relu": nn.ReLU}


class Points(NamedTuple):
    """Where the pyramid predicts, over all levels: position and stride of each point, in frame pairs. Each [N]."""

    position: Tensor
    stride: Tensor


class DecoderOutput(NamedTuple):
    """Raw predictions; L = 1, or the number of fuse layers when every layer was asked for.

    Attributes:
        logits: [L, B, N] class logits of the points.
        offsets: [L, B, N, 2] distances to start and end, in strides.
        video: [L, B, T, D] frame-pair embeddings.
        query: [L, B, D] query embedding.
        points: where the N points are.
    """

    logits: Tensor
    offsets: Tensor
    video: Tensor
    query: Tensor
    points: Points


class _Embedding(nn.Module):
    """A learned vector that marks a kind of token."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(1, 1, dims))

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens + self.weights


class _Attention(nn.Module):
    """Multi-head self-attention with the published names q, k, v, m."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.m = (nn.Linear(dims, dims) for _ in range(4))

    def forward(self, x_BND: Tensor) -> Tensor:
        q, k, v = (proj(x_BND).unflatten(-1, (HEADS, -1)).transpose(1, 2) for proj in (self.q, self.k, self.v))
        merged: Tensor = self.m(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return merged


class _FeedForward(nn.Module):
    def __init__(self, dims: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(dims, dims * 4), activation(), nn.Linear(dims * 4, dims))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.mapping(x)
        return out


class _EncoderLayer(nn.Module):
    """Pre-norm encoder layer. In training whole residual branches are dropped per sample (DropPath)."""

    def __init__(self, dims: int, activation: type[nn.Module], drop_path: float = 0.1) -> None:
        super().__init__()
        self.self_att, self.self_att_norm = _Attention(dims), nn.LayerNorm(dims)
        self.ffn, self.ffn_norm = _FeedForward(dims, activation), nn.LayerNorm(dims)
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._drop(self.self_att(self.self_att_norm(x)))
        return x + self._drop(self.ffn(self.ffn_norm(x)))

    def _drop(self, branch: Tensor) -> Tensor:
        if not self.training:
            return branch
        keep = torch.rand(branch.shape[0], 1, 1, device=branch.device) >= self.drop_path
        return branch * keep / (1 - self.drop_path)


class _Transpose(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(-1, -2)


class _Pyramid(nn.Module):
    """Stride 1 is the activation alone; stride 2^p is p halvings."""

    def __init__(self, dims: int, activation: type[nn.Module]) -> None:
        super().__init__()

        def halving() -> list[nn.Module]:
            conv = nn.Conv1d(dims, dims, 2, stride=2)
            return [_Transpose(), conv, _Transpose(), nn.LayerNorm(dims), activation()]

        levels = [[m for _ in range(int(math.log2(s))) for m in halving()] for s in STRIDES]
        self.blocks = nn.ModuleList(nn.Sequential(*level) if level else activation() for level in levels)

    def forward(self, x_BTD: Tensor) -> list[Tensor]:
        return [block(x_BTD) for s, block in zip(STRIDES, self.blocks, strict=True) if x_BTD.shape[1] >= s]


class _Head(nn.Module):
    def __init__(self, dims: int, outputs: int, activation: type[nn.Module]) -> None:
        super().__init__()
        first, last = nn.Conv1d(dims, dims, 3, padding=1), nn.Conv1d(dims, outputs, 3, padding=1)
        self.module = nn.Sequential(_Transpose(), first, activation(), last, _Transpose())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.module(x)
        return out


class _Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(len(STRIDES)))


class TimestampDecoder(nn.Module):
    """Grounds one query in one video from the backbone's hidden states (before its final norm).

    Args:
        hidden_size: width H of the backbone.
        dims: width D of the decoder (256 in published checkpoints).
        hidden_act: the backbone's activation.
    """

    def __init__(self, hidden_size: int, dims: int = 256, hidden_act: str = "silu") -> None:
        super().__init__()
        activation = _ACTIVATIONS[hidden_act]
        self.dims = dims
        self.vis_proj = nn.Sequential(nn.LayerNorm(hidden_size), nn.Linear(hidden_size, dims))
        self.reg_proj = nn.Sequential(nn.LayerNorm(hidden_size), nn.Linear(hidden_size, dims))
        self.vis_emb, self.reg_emb = _Embedding(dims), _Embedding(dims)
        self.vis_fuse = nn.ModuleList(_EncoderLayer(dims, activation) for _ in range(3))
        self.vis_norm = nn.LayerNorm(dims)
        self.pyramid = _Pyramid(dims, activation)
        self.class_head, self.coord_head = _Head(dims, 1, activation), _Head(dims, 2, activation)
        self.coef = _Scale()

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor], hidden_act: str = "silu") -> TimestampDecoder:
        """A float32 decoder in inference mode, its sizes read off the weights.

        Raises:
            KeyError, RuntimeError: a weight is missing, unknown or of the wrong shape.
        """
        dims, hidden_size = state["vis_proj.1.weight"].shape
        with torch.device("meta"):
            decoder = cls(hidden_size, dims, hidden_act)
        decoder.load_state_dict({k: v.float() for k, v in state.items()}, assign=True)
        return decoder.eval().requires_grad_(False)

    def forward(self, frames_BTH: Tensor, query_BH: Tensor, every_layer: bool = False) -> DecoderOutput:
        """Predict at every pyramid point.

        Args:
            frames_BTH: mean hidden state of each frame pair.
            query_BH: hidden state of the position that predicts `<|reg|>`.
            every_layer: predict after each fuse layer (for the training losses), not only after the last.
        """
        video = self.vis_emb(self.vis_proj(frames_BTH))
        video = video + position_code(video.shape[1], self.dims, video.device).to(video.dtype)
        tokens = torch.cat([video, self.reg_emb(self.reg_proj(query_BH[:, None]))], dim=1)
        collected = []
        for layer in self.vis_fuse:
            tokens = layer(tokens)
            collected.append(tokens)
        joint_LBND = self.vis_norm(torch.stack(collected if every_layer else collected[-1:]))
        video_LBTD, query_LBD = joint_LBND[:, :, :-1], joint_LBND[:, :, -1]

        levels = self.pyramid(video_LBTD.flatten(0, 1))
        logits = torch.cat([self.class_head(x) for x in levels], dim=1).squeeze(-1)
        offsets = torch.cat(
            [self.coord_head(x).exp() * scale for x, scale in zip(levels, self.coef.scale, strict=False)],
            dim=1,
        )
        shape = joint_LBND.shape[:2]
        return DecoderOutput(
            logits.unflatten(0, shape),
            offsets.unflatten(0, shape),
            video_LBTD,
            query_LBD,
            pyramid_points(video_LBTD.shape[2], logits.device),
        )

    def spans(self, frames_TH: Tensor, query_H: Tensor) -> Rows:
        """The best spans of one video: [≤ 100, 3] of start, end (fractions of the duration) and score, best first."""
        return self.spans_of_all(frames_TH[None], query_H[None])[0]

    @torch.inference_mode()
    def spans_of_all(self, frames_BTH: Tensor, query_BH: Tensor) -> list[Rows]:
        """`spans` of several videos with as many frame pairs."""
        out = self(frames_BTH.float(), query_BH.float())
        offsets = out.offsets[0] * out.points.stride[:, None]
        starts, ends = out.points.position - offsets[..., 0], out.points.position + offsets[..., 1]
        spans = torch.stack([starts, ends], dim=-1) / frames_BTH.shape[1]
        rows = torch.cat([spans, out.logits[0].sigmoid()[..., None]], dim=-1).cpu().numpy()
        return [temporal_nms(one)[:MAX_SPANS] for one in rows.astype(np.float32)]


def position_code(length: int, dims: int, device: torch.device) -> Tensor:
    """Sine code [length, dims] of the places 1..length, normalised to one turn over the whole video."""
    place = torch.arange(1, length + 1, device=device, dtype=torch.float32) / (length + 1e-6) * 2 * math.pi
    channel = torch.arange(dims, device=device, dtype=torch.float32)
    angle = place[:, None] / 10000 ** (2 * torch.div(channel, 2, rounding_mode="floor") / dims)
    return torch.where(channel % 2 == 0, angle.sin(), angle.cos())


def pyramid_points(length: int, device: torch.device) -> Points:
    """The points of a video of `length` frame pairs: point i of a level of stride s sits at i·s."""
    levels = [(s, length // s) for s in STRIDES if length >= s]
    position = torch.cat([torch.arange(n, device=device, dtype=torch.float32) * s for s, n in levels])
    stride = torch.cat([torch.full((n,), float(s), device=device) for s, n in levels])
    return Points(position, stride)
