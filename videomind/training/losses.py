"""Losses of the timestamp decoder (DESIGN sec. 3), over batches of queries on views of one length.

All positions are in frame pairs. Shapes: L fuse layers, B queries, N pyramid points, T frame pairs, D channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from videomind.model.decoder import STRIDES, DecoderOutput, Points

CENTRE_RADIUS = 1.5
LEVEL_RANGES = ((0.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, float("inf")))
"""From a point of the level of stride 1, 2, 4, 8, the farther end of the span lies in this range."""
FOCAL_GAMMA = 2.0
TEMPERATURE = 0.07
CLASS_WEIGHT, OFFSET_WEIGHT, CONTRAST_WEIGHT = 5.0, 1.0, 0.05


class Targets(NamedTuple):
    """What each point should say.

    Attributes:
        positive: [B, N] 1.0 at points that stand for the span.
        offsets: [B, N, 2] distances to start and end, in strides.
    """

    positive: Tensor
    offsets: Tensor


def assign(spans_BS2: Tensor, points: Points) -> Targets:
    """Which points stand for which span.

    A point is positive if it lies inside a span, within `CENTRE_RADIUS` strides of its centre, and if the distance
    to the span's farther end is in its level's range. Where several spans claim a point, the shortest has it.

    Args:
        spans_BS2: start and end of each query's spans in frame pairs; rows of NaN are padding. A query of nothing but
            padding matches no point (it never happens).
        points: position and stride of the points.
    """
    start, end = spans_BS2[..., :1], spans_BS2[..., 1:]
    left, right = points.position - start, end - points.position
    near = (points.position - (start + end) / 2).abs() <= CENTRE_RADIUS * points.stride
    level = torch.tensor(LEVEL_RANGES, device=spans_BS2.device)[_levels(points.stride)]
    far = torch.maximum(left, right)
    claimed = (left >= 0) & (right >= 0) & near & (far >= level[:, 0]) & (far < level[:, 1])
    lengths = (end - start).masked_fill(~claimed, float("inf"))
    chosen = lengths.argmin(dim=1, keepdim=True)
    offsets = torch.stack([left.gather(1, chosen), right.gather(1, chosen)], dim=-1)[:, 0] / points.stride[:, None]
    positive = claimed.any(1)
    return Targets(positive.float(), offsets.where(positive[..., None], 0.0))


def pad_spans(spans: Sequence[Sequence[tuple[float, float]]]) -> Tensor:
    """Spans of several queries as one tensor [B, S, 2], padded with NaN; S is at least 1."""
    longest = max(1, *map(len, spans))
    nothing = (float("nan"), float("nan"))
    return torch.tensor([[*own, *[nothing] * (longest - len(own))] for own in spans])


def decoder_loss(out: DecoderOutput, spans_BS2: Tensor, choice: Tensor) -> dict[str, Tensor]:
    """Focal, offset and contrastive loss, each the mean over the fuse layers, and their weighted sum "loss".

    Args:
        out: the decoder's output with `every_layer=True`.
        spans_BS2: as in `assign`.
        choice: [B] in [0, 1), which of a query's frames inside its spans is the sampled positive.
    """
    targets = assign(spans_BS2, out.points)
    count = targets.positive.sum().clamp(min=1)
    parts = {
        "focal": _focal(out.logits, targets.positive).sum((1, 2)).mean() / count,
        "offset": _distance(out.offsets, targets).sum((1, 2)).mean() / count,
        "contrast": _contrast(out, spans_BS2, choice),
    }
    weights = (CLASS_WEIGHT, OFFSET_WEIGHT, CONTRAST_WEIGHT)
    return parts | {"loss": torch.stack([w * v for w, v in zip(weights, parts.values(), strict=True)]).sum()}


def _levels(stride_N: Tensor) -> Tensor:
    return torch.bucketize(stride_N, torch.tensor(STRIDES, device=stride_N.device, dtype=stride_N.dtype))


def _focal(logits_LBN: Tensor, positive_BN: Tensor) -> Tensor:
    target = positive_BN.expand_as(logits_LBN)
    cross = F.binary_cross_entropy_with_logits(logits_LBN, target, reduction="none")
    chance = logits_LBN.sigmoid()
    missed = torch.where(target > 0, 1 - chance, chance)
    return cross * missed**FOCAL_GAMMA


def _distance(offsets_LBN2: Tensor, targets: Targets) -> Tensor:
    return (offsets_LBN2 - targets.offsets).abs().mean(-1) * targets.positive


def _contrast(out: DecoderOutput, spans_BS2: Tensor, choice_B: Tensor) -> Tensor:
    """Cross-entropy of one sampled frame inside a span against all frames outside, by cosine with the query."""
    frames = torch.arange(out.video.shape[2], device=spans_BS2.device)
    inside = ((frames + 1 > spans_BS2[..., :1]) & (frames < spans_BS2[..., 1:])).any(1)
    known = inside.any(1) & ~inside.all(1)
    if not known.any():
        return out.video.sum() * 0.0
    similar = F.cosine_similarity(out.video.float(), out.query.float()[:, :, None], dim=-1) / TEMPERATURE
    rank = (choice_B * inside.sum(1)).long()
    sampled = ((inside.cumsum(1) == rank[:, None] + 1) & inside).float().argmax(1)
    open_ = ~inside | F.one_hot(sampled, len(frames)).bool()
    logits = similar.masked_fill(~open_, float("-inf"))[:, known]
    wanted = sampled[known].expand(logits.shape[0], -1)
    return F.cross_entropy(logits.flatten(0, 1), wanted.flatten())
