"""Forward passes over packed rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface
from transformers.models.qwen2_vl.modeling_qwen2_vl import apply_rotary_pos_emb

from videomind.training.nano.lora import adapters_off
from videomind.training.nano.packing import IGNORE, WINDOW, Packed

PACKED = "packed"
Memory = dict[nn.Module, tuple[Tensor, Tensor]]
"""Keys and values of the prefix, by attention layer."""


class States(NamedTuple):
    """Hidden states [B, L, H] after the last layer (before the final norm) and after the one before it."""

    last: Tensor
    middle: Tensor


def states(model: Any, batch: Packed, visual: Sequence[Tensor], *, invoked: bool = False) -> States:
    """Hidden states of packed rows.

    Args:
        model: a Qwen2-VL for conditional generation that was given to `use_packed_attention`.
        batch: packed rows.
        visual: visual tokens [T·4, H] of each row.
        invoked: adapters act from the slots on and leave the prefix to the base (aLoRA); it then needs no gradient.
    """
    text = model.model.language_model
    head = batch.slots[0]
    memory: Memory = {}
    with torch.set_grad_enabled(torch.is_grad_enabled() and not invoked), adapters_off(text, invoked):
        embeds = text.embed_tokens(batch.ids[:, :head])
        embeds = embeds.masked_scatter(batch.video[:, :head, None], torch.cat(list(visual)).to(embeds))
        prefix = _run(text, embeds, batch.positions[..., :head], batch.slots[:1], memory)
    slots = _run(text, text.embed_tokens(batch.ids[:, head:]), batch.positions[..., head:], batch.slots[1:], memory)
    return States(*(torch.cat(parts, dim=1) for parts in zip(prefix, slots, strict=True)))


def _run(text: Any, embeds: Tensor, positions: Tensor, slots: tuple[int, ...], memory: Memory) -> States:
    rotary = text.rotary_emb(embeds, positions)
    hidden = [embeds]
    for layer in text.layers:
        hidden.append(layer(hidden[-1], position_embeddings=rotary, slots=slots, memory=memory))
    return States(hidden[-1], hidden[-2])


def choice_scores(model: Any, middle: Tensor, batch: Packed) -> Tensor:
    """How much each head of the last layer looks from where the letter is predicted at each option's end.

    Args:
        model: the backbone.
        middle: states [B, L, H] before the last layer.
        batch: packed rows with N choices.

    Returns:
        Attention logits [N, query heads of the first key head, OPTIONS].
    """
    text = model.model.language_model
    layer = text.layers[-1]
    row, letter, _, *ends = batch.choices.T
    places = torch.stack([letter, *ends], dim=1)
    inputs = layer.input_layernorm(middle[row[:, None], places])
    cos, sin = text.rotary_emb(inputs, batch.positions[:, row[:, None], places])
    size = layer.self_attn.head_dim
    query = layer.self_attn.q_proj(inputs).unflatten(-1, (-1, size)).transpose(1, 2)
    key = layer.self_attn.k_proj(inputs).unflatten(-1, (-1, size)).transpose(1, 2)
    query, key = apply_rotary_pos_emb(query, key, cos, sin)
    group = query.shape[1] // key.shape[1]
    scores: Tensor = (query[:, :group, :1] * key[:, :1, 1:]).sum(-1) * layer.self_attn.scaling
    return scores


def reply_loss(model: Any, hidden: Tensor, batch: Packed) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the replies, summed over a talk's tokens and averaged over talks; and the tokens right.

    Most reply tokens are fixed words and soon cost nothing: a mean over tokens would drown those that matter.
    """
    chosen = batch.targets != IGNORE
    logits = model.lm_head(model.model.language_model.norm(hidden[chosen])).float()
    wanted = batch.targets[chosen]
    loss = F.cross_entropy(logits, wanted, reduction="sum") / batch.replies.numel()
    return loss, (logits.argmax(-1) == wanted).float().mean()


def verdict_loss(model: Any, hidden: Tensor, batch: Packed, yes: int, no: int) -> Tensor:
    """Cross-entropy of the verdicts' "Yes" and "No" (token ids), over the whole vocabulary, mean over verdicts."""
    row, place = batch.verdicts.T
    logits = model.lm_head(model.model.language_model.norm(hidden[row, place])).float()
    chance = logits.log_softmax(-1)
    loss: Tensor = -(batch.chances * chance[:, yes] + (1 - batch.chances) * chance[:, no]).mean()
    return loss


def frame_states(hidden: Tensor, batch: Packed) -> Tensor:
    """Mean state [B, T, H] of each frame pair."""
    pooled: Tensor = hidden[batch.video].unflatten(0, (len(hidden), batch.pairs, WINDOW)).mean(2)
    return pooled


def use_packed_attention(model: Any) -> None:
    """Let the text model attend within slots; it then takes packed rows only."""
    AttentionInterface.register(PACKED, _packed_attention)
    model.model.language_model.config._attn_implementation = PACKED


def _packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    scaling: float,
    slots: tuple[int, ...],
    memory: Memory,
    **_: Any,
) -> tuple[Tensor, None]:
    """A layer's first call is the prefix, which is kept; in the second each slot attends to the prefix and itself.

    query [B, heads, L, D] → [B, L, heads, D].
    """
    groups = query.shape[1] // key.shape[1]
    query = (query * scaling).unflatten(1, (-1, groups))
    kept = memory.setdefault(module, (key, value))
    outputs, at = [], 0
    for length in slots:
        place = slice(at, at + length)
        own_key, own_value = key[:, :, place], value[:, :, place]
        if kept[0] is not key:
            own_key, own_value = torch.cat([kept[0], own_key], dim=2), torch.cat([kept[1], own_value], dim=2)
        outputs.append(_attend(query[:, :, :, place], own_key, own_value))
        at += length
    return torch.cat(outputs, dim=3).flatten(1, 2).transpose(1, 2), None


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Causal attention of the last Q of K places: query [B, kv, group, Q, D], keys and values [B, kv, K, D]."""
    rows, seen = query.shape[3], key.shape[2] - query.shape[3]
    logits = query.flatten(2, 3) @ key.transpose(-1, -2)
    future = torch.full((rows, seen + rows), float("-inf"), device=query.device).triu(seen + 1)
    weights = (logits.unflatten(2, (-1, rows)).float() + future).softmax(-1)
    seen_values: Tensor = (weights.to(value.dtype).flatten(2, 3) @ value).unflatten(2, (-1, rows))
    return seen_values
