"""Packing the tokens of a batch of prompts one behind the other and putting the visual tokens in place."""

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
    """

    role: str
    ids: list[int]
    positions: IntArray
    video: IntArray
    visual: Tensor
    acts_from: int


class Prepared(NamedTuple):
    """One request, ready for the text model.

    Attributes:
        request: what was asked.
        prompt: its tokens.
        visual: its visual tokens.
        encoded: whether the visual tower ran for it.
        acts_from: the first token on which its adapter acts.
        prefix: what the text model made of its first tokens, or None.
        reused: whether that was there already.
        guessed: tokens that the reply will probably begin with.
    """

    request: RoleRequest
    prompt: EncodedPrompt
    visual: Tensor
    encoded: bool
    acts_from: int = 0
    prefix: Prefix | None = None
    reused: bool = False
    guessed: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        return len(self.prompt.ids)

    @property
    def start(self) -> int:
        """How many of its tokens the prefix holds."""
        return 0 if self.prefix is None else self.prefix.length

    @property
    def usage(self) -> Usage:
        kept = 0 if self.prefix is None else self.prefix.kv.nbytes
        return Usage(self.length, self.start if self.reused else 0, self.encoded, kept)

    def piece(self, begin: int, end: int) -> Piece:
        """Its tokens from `begin` to `end`."""
        video = self.prompt.video
        first, last = np.searchsorted(video, (begin, end)).tolist()
        return Piece(
            self.request.role,
            self.prompt.ids[begin:end],
            self.prompt.positions[:, begin:end],
            video[first:last] - begin,
            self.visual[first:last],
            self.acts_from - begin,
        )

    def rest(self, begin: int) -> Piece:
        """Its tokens from `begin` on, and those that its reply will probably begin with."""
        piece, count = self.piece(begin, self.length), len(self.guessed)
        if not count:
            return piece
        places = np.arange(1, count + 1) + self.prompt.positions.max()
        positions = np.concatenate([piece.positions, np.broadcast_to(places, (3, count))], axis=1)
        return piece._replace(ids=[*piece.ids, *self.guessed], positions=positions)


class Packed(NamedTuple):
    """Inputs of one forward.

    Attributes:
        embeds: [N, H].
        positions: [3, N].
        adapters: [N] adapter index of each token.
    """

    embeds: Tensor
    positions: Tensor
    adapters: Tensor


def pack(pieces: Sequence[Piece], switch: RoleSwitch, device: torch.device) -> Packed:
    """The tokens of pieces of any roles, in order."""
    ids = [torch.tensor(piece.ids, device=device) for piece in pieces]
    embeds = switch.embed(ids, [piece.role for piece in pieces])
    positions = torch.from_numpy(np.concatenate([piece.positions for piece in pieces], axis=1))
    adapters = torch.full((len(embeds),), BASE)
    begin = 0
    for piece in pieces:
        end = begin + len(piece.ids)
        adapters[begin + max(piece.acts_from, 0) : end] = switch.index(piece.role)
        if len(piece.video):
            embeds[torch.from_numpy(piece.video + begin).to(device)] = piece.visual.to(embeds.dtype)
        begin = end
    return Packed(embeds, positions.to(device), adapters.to(device))


def split_by_tokens(
    lengths: Sequence[int], kin: Sequence[tuple[Sequence[int], int, bool]], most_new: int, most: int
) -> list[list[int]]:
    """Places of prompts in batches (single prompts where one is too long), those that begin alike one after another.

    Args:
        lengths: tokens of each prompt.
        kin: places of prompts that begin alike, how many tokens they share, and whether these are yet to be computed.
        most_new: tokens of a batch that are yet to be computed.
        most: all tokens of a batch, shared ones counted once.
    """
    batches: list[list[int]] = [[]]
    new = total = 0
    for places, shared, is_new in kin:
        held = False  # by the present batch
        for place in places:
            own, begins = lengths[place] - shared, 0 if held else shared
            grows = own + (shared if is_new else 0)
            if batches[-1] and (new + grows > most_new or total + own + begins > most):
                batches.append([])
                new, total, begins = 0, 0, shared
            batches[-1].append(place)
            new, total = new + grows, total + own + begins
            held, is_new = True, False
    return batches
