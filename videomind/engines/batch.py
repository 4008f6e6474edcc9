"""Padding prompts of one batch to a common length and putting the visual tokens in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from videomind.engines.base import RoleRequest
from videomind.engines.prefix import Prefix
from videomind.kernels.lora import BASE
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.prompt import EncodedPrompt, IntArray
from videomind.results import Usage


class Piece(NamedTuple):
    """Tokens of a prompt that are put through the text model, one after another.

    Attributes:
        role: whose they are.
        ids: [n] tokens.
        positions: [3, n] multimodal RoPE positions.
        video: which of them are video tokens.
        visual: [·, H] what stands in for these.
        acts_from: the first token on which the role's adapter acts; negative if it acted before already.
        before: tokens of the prompt that are in the KV cache.
    """

    role: str
    ids: list[int]
    positions: IntArray
    video: IntArray
    visual: Tensor
    acts_from: int
    before: int


class Prepared(NamedTuple):
    """One request, ready for the text model.

    Attributes:
        request: what was asked.
        prompt: its tokens.
        visual: its visual tokens.
        encoded: whether the visual tower ran for it.
        acts_from: the first token on which its adapter acts.
        prefix: KV and states of its first tokens, or None.
        reused: whether these were there already.
    """

    request: RoleRequest
    prompt: EncodedPrompt
    visual: Tensor
    encoded: bool
    acts_from: int = 0
    prefix: Prefix | None = None
    reused: bool = False

    @property
    def length(self) -> int:
        return len(self.prompt.ids)

    @property
    def start(self) -> int:
        """How many of its tokens the prefix holds."""
        return 0 if self.prefix is None else self.prefix.length

    @property
    def usage(self) -> Usage:
        kept = 0 if self.prefix is None else self.prefix.kv_bytes
        return Usage(self.length, self.start if self.reused else 0, self.encoded, kept)

    def piece(self, begin: int, end: int) -> Piece:
        """Its tokens from `begin` to `end`; those before are in the KV cache."""
        inside = (self.prompt.video >= begin) & (self.prompt.video < end)
        return Piece(
            self.request.role,
            self.prompt.ids[begin:end],
            self.prompt.positions[:, begin:end],
            self.prompt.video[inside] - begin,
            self.visual[torch.from_numpy(np.flatnonzero(inside)).to(self.visual.device)],
            self.acts_from - begin,
            begin,
        )

    @property
    def rest(self) -> Piece:
        """What the prefix does not hold."""
        return self.piece(self.start, self.length)


class Batch(NamedTuple):
    """Left-padded inputs of one forward.

    Attributes:
        embeds: [B, L, H].
        positions: [3, B, L].
        mask: [B, K + L] over KV cache and input, or None when nothing is padded.
        adapters: [B, L] adapter index of each token.
    """

    embeds: Tensor
    positions: Tensor
    mask: Tensor | None
    adapters: Tensor


def collate(pieces: Sequence[Piece], switch: RoleSwitch, device: torch.device) -> Batch:
    """Batch pieces of any roles; what is in the KV cache is left-padded too."""
    longest, cached = max(len(piece.ids) for piece in pieces), max(piece.before for piece in pieces)
    pads = [longest - len(piece.ids) for piece in pieces]
    ids = torch.zeros(len(pieces), longest, dtype=torch.long)
    positions = torch.zeros(3, len(pieces), longest, dtype=torch.long)
    mask = torch.ones(len(pieces), cached + longest, dtype=torch.long)
    adapters = torch.full((len(pieces), longest), BASE)
    for row, (piece, pad) in enumerate(zip(pieces, pads, strict=True)):
        ids[row, pad:] = torch.tensor(piece.ids)
        positions[:, row, pad:] = torch.from_numpy(piece.positions)
        mask[row, : cached - piece.before] = 0
        mask[row, cached : cached + pad] = 0
        adapters[row, pad + max(piece.acts_from, 0) :] = switch.index(piece.role)
    embeds = switch.embed(ids.to(device), [piece.role for piece in pieces])
    for row, (piece, pad) in enumerate(zip(pieces, pads, strict=True)):
        embeds[row, torch.from_numpy(piece.video + pad).to(device)] = piece.visual
    padded = None if bool(mask.all()) else mask.to(device)
    return Batch(embeds, positions.to(device), padded, adapters.to(device))


def split_by_tokens(items: Sequence[Prepared], most_new: int, most: int) -> list[list[int]]:
    """Places of the items in groups of similar length (or single items).

    Args:
        items: what is to be grouped.
        most_new: padded tokens of a group that are not in the KV cache yet.
        most: all padded tokens of a group.
    """
    groups: list[list[int]] = []
    new = total = 0
    for place in sorted(range(len(items)), key=lambda place: (items[place].length, items[place].start)):
        item = items[place]
        new, total = max(new, item.length - item.start), max(total, item.length)
        count = len(groups[-1]) + 1 if groups else 1
        if count > 1 and new * count <= most_new and total * count <= most:
            groups[-1].append(place)
        else:
            groups.append([place])
            new, total = item.length - item.start, item.length
    return groups
