"""Forward passes over packed rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.training.packing import IGNORE, WINDOW, Packed


def states(model: nn.Module, batch: Packed, visual: Sequence[Tensor]) -> Tensor:
    """Hidden states [B, L, H] before the final norm.

    Args:
        model: a Qwen2-VL for conditional generation (adapters may be in place).
        batch: packed rows.
        visual: visual tokens [T·4, H] of each row.
    """
    text = model.model.language_model
    embeds = text.embed_tokens(batch.ids)
    embeds = embeds.masked_scatter(batch.video[..., None], torch.cat(list(visual)).to(embeds))
    rotary = text.rotary_emb(embeds, batch.positions)
    hidden: Tensor = embeds
    mask = batch.mask
    for layer in text.layers:
        hidden = layer(hidden, attention_mask=mask, position_embeddings=rotary)
    return hidden


def reply_loss(model: nn.Module, hidden: Tensor, batch: Packed) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy of the reply tokens, and the part of them predicted right."""
    chosen = batch.targets != IGNORE
    logits = model.lm_head(model.model.language_model.norm(hidden[chosen])).float()
    wanted = batch.targets[chosen]
    return F.cross_entropy(logits, wanted), (logits.argmax(-1) == wanted).float().mean()


def frame_states(hidden: Tensor, batch: Packed) -> list[Tensor]:
    """Mean state [T, H] of each frame pair, per row."""
    counts = [pairs * WINDOW for pairs in batch.pairs]
    return [part.unflatten(0, (-1, WINDOW)).mean(1) for part in hidden[batch.video].split(counts)]


def at_places(hidden: Tensor, rows: Tensor, places: Tensor) -> Tensor:
    """States [N, H] at (row, place)."""
    return hidden[rows.to(hidden.device), places.to(hidden.device)]
