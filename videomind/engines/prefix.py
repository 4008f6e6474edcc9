"""Beginnings of prompts that many requests have in common: the system line and the view.

What the text model made of them, KV and pooled states, serves every request that begins with the same tokens on the
same view under the same adapter: further questions of one role, and, where adapters act only from their invocation on
(aLoRA, arXiv 2504.12397), all roles.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from videomind.model.kv_pack import PackedKV
from videomind.model.prompt import IntArray


class Prefix(NamedTuple):
    """The first tokens of a prompt, as the text model keeps them.

    Attributes:
        kv: their keys and values.
        frames: [T, H] float32, the mean state before the final norm of each frame pair, for the timestamp decoder.
    """

    kv: PackedKV
    frames: Tensor

    @property
    def length(self) -> int:
        return self.kv.tokens

    @property
    def nbytes(self) -> int:
        return self.kv.nbytes + self.frames.nbytes


def pooled(states_LH: Tensor, video: IntArray, pairs: int) -> Tensor:
    """Mean state [T, H], in float32, of each frame pair.

    Args:
        states_LH: of a prompt's tokens, from the first on.
        video: which of them are video tokens.
        pairs: T, frame pairs that these belong to.
    """
    seen = states_LH[torch.from_numpy(video).to(states_LH.device)]
    frames: Tensor = seen.float().unflatten(0, (pairs, -1)).mean(1)
    return frames
