"""Padding prompts of one batch to a common length and putting the visual tokens in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from videomind.engines.base import RoleRequest
from videomind.kernels.lora import BASE
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.prompt import EncodedPrompt
from videomind.results import Usage


class Prepared(NamedTuple):
    """One request, ready for the text model.

    Its adapter acts on the tokens from `acts_from` on; `encoded` tells whether the visual tower ran for it.
    """

    request: RoleRequest
    prompt: EncodedPrompt
    visual: Tensor
    encoded: bool
    acts_from: int = 0

    @property
    def length(self) -> int:
        return len(self.prompt.ids)

    @property
    def usage(self) -> Usage:
        """Nothing but the visual tokens is reused."""
        return Usage(self.length, cached_tokens=0, encoded=self.encoded, kv_bytes=0)


class Batch(NamedTuple):
    """Left-padded inputs of one forward.

    Attributes:
        embeds: [B, L, H].
        positions: [3, B, L].
        mask: [B, L], or None when nothing is padded.
        adapters: [B, L] adapter index of each token.
    """

    embeds: Tensor
    positions: Tensor
    mask: Tensor | None
    adapters: Tensor


def collate(items: Sequence[Prepared], switch: RoleSwitch, device: torch.device) -> Batch:
    """Batch prepared requests of any roles."""
    longest = max(item.length for item in items)
    pads = [longest - item.length for item in items]
    ids = torch.zeros(len(items), longest, dtype=torch.long)
    positions = torch.zeros(3, len(items), longest, dtype=torch.long)
    mask = torch.ones(len(items), longest, dtype=torch.long)
    for row, (item, pad) in enumerate(zip(items, pads, strict=True)):
        ids[row, pad:] = torch.tensor(item.prompt.ids)
        positions[:, row, pad:] = torch.from_numpy(item.prompt.positions)
        mask[row, :pad] = 0
    roles = [item.request.role for item in items]
    embeds = switch.embed(ids.to(device), roles)
    for row, (item, pad) in enumerate(zip(items, pads, strict=True)):
        embeds[row, torch.from_numpy(item.prompt.video + pad).to(device)] = item.visual
    adapters = torch.full((len(items), longest), BASE)
    for row, (item, pad) in enumerate(zip(items, pads, strict=True)):
        adapters[row, pad + item.acts_from :] = switch.index(item.request.role)
    padded = mask.to(device) if any(pads) else None
    return Batch(embeds, positions.to(device), padded, adapters.to(device))


def split_by_tokens(items: Sequence[Prepared], max_tokens: int) -> list[list[int]]:
    """Indices of the items in consecutive groups, each at most `max_tokens` when padded (or a single item)."""
    groups: list[list[int]] = []
    longest = 0
    for i, item in enumerate(items):
        longest = max(longest, item.length)
        if groups and longest * (len(groups[-1]) + 1) <= max_tokens:
            groups[-1].append(i)
        else:
            groups.append([i])
            longest = item.length
    return groups
