"""Beginnings of prompts that many requests have in common: the system line and the view.

What the text model made of them, KV and states, serves every request that begins with the same tokens on the same
view under the same adapter: further questions of one role, and, where adapters act only from their invocation on
(aLoRA, arXiv 2504.12397), all roles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad


class Prefix(NamedTuple):
    """The first tokens of a prompt, as the text model keeps them.

    Attributes:
        keys, values: per layer [heads, P, head size].
        states: [P, H] hidden states before the final norm.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]
    states: Tensor

    @property
    def length(self) -> int:
        return len(self.states)

    @property
    def kv_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.keys, *self.values))

    @property
    def nbytes(self) -> int:
        return self.kv_bytes + self.states.nbytes


def cut_prefixes(cache: Any, states_BLH: Tensor, lengths: Sequence[int]) -> list[Prefix]:
    """The prefix of each row of a left-padded forward that filled an empty cache."""
    return [
        Prefix(
            tuple(layer.keys[row, :, -length:].clone() for layer in cache.layers),
            tuple(layer.values[row, :, -length:].clone() for layer in cache.layers),
            states_BLH[row, -length:].clone(),
        )
        for row, length in enumerate(lengths)
    ]


def fill_cache(cache: Any, prefixes: Sequence[Prefix | None]) -> None:
    """Put prefixes into the rows of an empty cache, padded on the left; a row without one is all padding."""
    known = [prefix for prefix in prefixes if prefix is not None]
    if not known:
        return
    longest = max(prefix.length for prefix in known)
    empty = Prefix(
        tuple(keys[:, :0] for keys in known[0].keys),
        tuple(values[:, :0] for values in known[0].values),
        known[0].states[:0],
    )
    rows = [empty if prefix is None else prefix for prefix in prefixes]
    for layer in range(len(empty.keys)):
        keys = torch.stack([pad(row.keys[layer], (0, 0, longest - row.length, 0)) for row in rows])
        values = torch.stack([pad(row.values[layer], (0, 0, longest - row.length, 0)) for row in rows])
        cache.update(keys, values, layer)
