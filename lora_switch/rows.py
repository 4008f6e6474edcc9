"""Rows of single tokens that a role owns in the embedding and in the output projection, over the base's matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from videomind.errors import BundleError

IDS, EMBED, HEAD = "token_ids", "embed_tokens.rows", "lm_head.rows"
"""Names of the three tensors in a role's `embeddings.safetensors`."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenRows:
    """What a role has instead of the base's rows.

    Attributes:
        ids: [k] the tokens.
        embed: [k, H] their input embeddings.
        head: [k, H] their rows of the output projection.
    """

    ids: Tensor
    embed: Tensor
    head: Tensor

    def embedded(self, embeds: Tensor, ids: Tensor) -> Tensor:
        """Input embeddings [..., H] of token ids [...], the role's own rows in place of the base's."""
        return with_own_rows(embeds, ids, self.ids, self.embed)

    def scored(self, logits: Tensor, states: Tensor) -> Tensor:
        """Logits [..., V] of normed states [..., H], the columns of the role's own tokens by its own rows."""
        return with_own_columns(logits, states, self.ids, self.head)

    def to(self, like: Tensor) -> TokenRows:
        """The rows on the device and in the number type of a tensor."""
        return TokenRows(self.ids.to(like.device), self.embed.to(like), self.head.to(like))

    def check(self, role: str, base_VH: Tensor) -> None:
        """That the rows fit a base's embedding matrix.

        Raises:
            BundleError: a token lies outside it, or the rows have another width.
        """
        vocabulary, width = base_VH.shape
        if self.embed.shape[1] != width:
            raise BundleError(f"{role}: its token rows have width {self.embed.shape[1]}; this base has {width}")
        if int(self.ids.min()) < 0 or int(self.ids.max()) >= vocabulary:
            raise BundleError(
                f"{role}: it has rows of its own for the tokens {self.ids.tolist()}, but the embedding of this base "
                f"ends at {vocabulary - 1}; give the base that the role was trained on (--base DIR)"
            )

    def tensors(self) -> dict[str, Tensor]:
        """As they are stored."""
        return {IDS: self.ids.contiguous(), EMBED: self.embed.contiguous(), HEAD: self.head.contiguous()}


def rows_from_tensors(tensors: Mapping[str, Tensor], where: str) -> TokenRows:
    """The rows stored under `IDS`, `EMBED` and `HEAD`.

    Raises:
        BundleError: one is missing, or their shapes do not belong together.
    """
    if missing := [name for name in (IDS, EMBED, HEAD) if name not in tensors]:
        raise BundleError(f"{where}: token rows need {IDS}, {EMBED} and {HEAD}; missing: {', '.join(missing)}")
    ids, embed, head = (tensors[name] for name in (IDS, EMBED, HEAD))
    fits = ids.ndim == 1 and embed.ndim == 2 and len(ids) == len(embed) > 0 and embed.shape == head.shape
    if not fits or ids.dtype != torch.int64 or len(ids.unique()) != len(ids):
        shapes = ", ".join(f"{name} {tensors[name].dtype} {list(tensors[name].shape)}" for name in (IDS, EMBED, HEAD))
        raise BundleError(f"{where}: token rows are [k] different int64 ids and twice [k, H] numbers, not {shapes}")
    return TokenRows(ids, embed, head)


def with_own_rows(embeds: Tensor, ids: Tensor, own_ids: Tensor, own_kH: Tensor) -> Tensor:
    """Embeddings [..., H] of token ids [...], with the rows of the k own tokens put in their places."""
    same = ids[..., None] == own_ids
    return torch.where(same.any(-1, keepdim=True), own_kH[same.int().argmax(-1)].to(embeds.dtype), embeds)


def with_own_columns(logits: Tensor, states: Tensor, own_ids: Tensor, own_kH: Tensor) -> Tensor:
    """Logits [..., V] with the columns of the k own tokens computed from states [..., H] by their own rows."""
    return logits.index_copy(-1, own_ids, F.linear(states, own_kH.to(states.dtype)).to(logits.dtype))
