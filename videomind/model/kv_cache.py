"""Keys and values of requests that go through the text model together: what they have in common stands there once.

Requests whose prompts begin alike form a tree: a trunk, the common beginning, and a branch for each request. A token
sees the trunk and, of its own branch, what came before it; so one attention over the trunk serves all branches, and
nothing is padded or copied for them (tree attention).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

TRUNK = -1
"""Owner of the tokens that all branches see."""
_DEAD = -2
"""Owner of tokens that nobody sees any more: drafts that were not what the model says."""
GROWTH = 64
"""Tokens that a full cache grows by."""


class KVShape(NamedTuple):
    """What the text model keeps of a token: keys and values of `heads` heads of `size` numbers in each layer."""

    layers: int
    heads: int
    size: int
    device: torch.device
    dtype: torch.dtype

    def empty(self, tokens: int) -> Tensor:
        """Room for so many tokens: [layers, 2, heads, tokens, size], keys first."""
        return torch.empty(self.layers, 2, self.heads, tokens, self.size, device=self.device, dtype=self.dtype)


class Call(NamedTuple):
    """One attention: some of the new tokens look at the first `keys` tokens of the tree.

    Attributes:
        begin, end: which of the new tokens.
        keys: tokens from the first on.
        mask: [end − begin, keys] to add to the scores; None where all is seen, or (`causal`) what is not later.
    """

    begin: int
    end: int
    keys: int
    mask: Tensor | None = None
    causal: bool = False


class KVTree:
    """One trunk and the branches that grow from it.

    Args:
        shape: what is kept of a token.
        trunk: [layers, 2, heads, P, size] of a beginning that is known already, or None.
        room: tokens to make room for, beside the trunk.
    """

    def __init__(self, shape: KVShape, trunk: Tensor | None = None, room: int = 0) -> None:
        known = 0 if trunk is None else trunk.shape[3]
        self._shape, self._filled, self._new = shape, known, 0
        self._kv = shape.empty(known + room)
        self._owner = torch.full((known + room,), TRUNK)
        if trunk is not None:
            self._kv[:, :, :, :known] = trunk
        self._calls: list[Call] = []

    def extend(self, owners: list[int]) -> None:
        """Announce new tokens, each with its branch (or `TRUNK`: in the first place, and only in an empty tree)."""
        count, before = len(owners), self._filled
        self._reserve(before + count)
        self._new, self._filled = count, before + count
        new = torch.tensor(owners)
        self._owner[before : self._filled] = new
        trunk = owners.count(TRUNK)
        assert owners[:trunk] == [TRUNK] * trunk, "a trunk comes first"
        assert not (trunk and before), "a tree has one trunk"
        if before == 0 and len(set(owners) - {TRUNK}) <= 1:
            self._calls = [Call(0, count, count, causal=True)]
            return
        self._calls = [Call(0, trunk, trunk, causal=True)] if trunk else []
        self._calls.append(Call(trunk, count, self._filled, self._mask(new[trunk:])))

    def drop(self, branch: int, count: int) -> None:
        """Forget the last tokens of a branch."""
        if not count:
            return
        places = (self._owner[: self._filled] == branch).nonzero().squeeze(-1)[-count:]
        self._owner[places] = _DEAD
        while self._filled and self._owner[self._filled - 1] == _DEAD:
            self._filled -= 1

    def beginning(self, length: int) -> Tensor:
        """A copy [layers, 2, heads, length, size] of the first tokens."""
        return self._kv[:, :, :, :length].clone()

    def attend(self, layer: int, q_NHD: Tensor, k_NGD: Tensor, v_NGD: Tensor) -> Tensor:
        """The new tokens' attention in one layer; their keys and values are kept.

        Args:
            layer: which.
            q_NHD: [n, heads of the model, size], rotated.
            k_NGD, v_NGD: [n, heads kept, size], the keys rotated.

        Returns:
            [n, heads of the model · size].
        """
        kv, at = self._kv[layer], self._filled - self._new
        kv[0, :, at : self._filled] = k_NGD.transpose(0, 1)
        kv[1, :, at : self._filled] = v_NGD.transpose(0, 1)
        found = [_attend(call, q_NHD[call.begin : call.end], kv[:, :, : call.keys]) for call in self._calls]
        return found[0] if len(found) == 1 else torch.cat(found)

    def _mask(self, owners: Tensor) -> Tensor | None:
        """What to add to the scores of the last tokens, which belong to these branches; None if they see all."""
        keys = self._owner[: self._filled]
        if len(owners) == 1 and bool(((keys == TRUNK) | (keys == owners)).all()):
            return None
        place = torch.arange(self._filled)
        seen = (keys == owners[:, None]) & (place <= place[-len(owners) :, None])
        hidden = ~(seen | (keys == TRUNK))
        mask = torch.zeros(hidden.shape, dtype=self._shape.dtype).masked_fill_(hidden, float("-inf"))
        return mask.to(self._shape.device)

    def _reserve(self, tokens: int) -> None:
        have = self._kv.shape[3]
        if tokens <= have:
            return
        larger = self._shape.empty(tokens + GROWTH)
        larger[:, :, :, : self._filled] = self._kv[:, :, :, : self._filled]
        self._kv = larger
        self._owner = torch.nn.functional.pad(self._owner, (0, tokens + GROWTH - have), value=TRUNK)


def _attend(call: Call, q_NHD: Tensor, kv: Tensor) -> Tensor:
    """Attention of queries over keys and values [2, heads kept, K, size]; several heads of the model share each."""
    count, heads, size = q_NHD.shape
    kept = kv.shape[1]
    q = q_NHD.view(count, kept, heads // kept, size).permute(1, 2, 0, 3)
    keys, values = kv
    if call.causal:
        shared = (-1, heads // kept, -1, -1)
        out = scaled_dot_product_attention(
            q, keys.unsqueeze(1).expand(shared), values.unsqueeze(1).expand(shared), is_causal=True
        )
    else:
        # The heads that share keys become rows of one head: their keys are read once.
        mask = None if call.mask is None else call.mask.repeat(heads // kept, 1)
        folded = q.reshape(1, kept, -1, size)
        out = scaled_dot_product_attention(folded, keys[None], values[None], mask).view(q.shape)
    return out.permute(2, 0, 1, 3).reshape(count, heads * size)
