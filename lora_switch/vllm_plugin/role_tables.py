"""Embeddings and output projections that single roles own (as the published grounder and verifier do)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from videomind.lora_switch.files import read_tensors
from videomind.lora_switch.rows import IDS, TokenRows, rows_from_tensors


class _Owned:
    """What one adapter has instead of the base's tables."""

    def __init__(self, path: str, like: Tensor) -> None:
        tensors = read_tensors(Path(path))
        self.rows: TokenRows | None = None
        if IDS in tensors:
            self.rows = rows_from_tensors(tensors, path).to(like)
        self.embed = _like(tensors.get("embed_tokens.weight"), like)
        self.head = _like(tensors.get("lm_head.weight"), like)

    def embedded(self, embeds_NH: Tensor, ids_N: Tensor) -> Tensor:
        if self.rows is not None:
            return self.rows.embedded(embeds_NH, ids_N)
        return embeds_NH if self.embed is None else F.embedding(ids_N, self.embed)

    def scored(self, logits_NV: Tensor, states_NH: Tensor) -> Tensor:
        if self.rows is not None:
            return self.rows.scored(logits_NV, states_NH)
        if self.head is None:
            return logits_NV
        return F.linear(states_NH, self.head)[:, : logits_NV.shape[1]].to(logits_NV.dtype)


class RoleTables:
    """Per adapter number what it owns, and whose the tokens of the present batch are.

    Args:
        paths: per adapter number (as text), its `embeddings.safetensors`.
        like: a tensor on the device and in the number type of the model.
    """

    def __init__(self, paths: Mapping[str, str], like: Tensor) -> None:
        self._owned = {int(number): _Owned(path, like) for number, path in paths.items()}
        self._device = like.device
        self._tokens: dict[int, Tensor] = {}
        self._samples: dict[int, Tensor] = {}

    def route(self, adapter_of_token: np.ndarray, adapter_of_sample: np.ndarray) -> None:
        """Adapter numbers of the tokens and of the sampled positions of the coming forward (0 = base)."""
        self._tokens, self._samples = self._rows(adapter_of_token), self._rows(adapter_of_sample)

    def embed(self, embeds_NH: Tensor, ids_N: Tensor, is_video_N: Tensor | None) -> Tensor:
        """Put the roles' own embeddings in place of the base's; video tokens stay as they are."""
        for adapter, rows in self._tokens.items():
            own = self._owned[adapter].embedded(embeds_NH[rows], ids_N[rows])
            if is_video_N is not None:
                video = is_video_N.to(rows.device)[rows][:, None]
                own = torch.where(video, embeds_NH[rows], own)
            embeds_NH[rows] = own.to(embeds_NH.dtype)
        return embeds_NH

    def score(self, logits_NV: Tensor, states_NH: Tensor) -> Tensor:
        """Put the logits by the roles' own projections in place of the base's, for the sampled positions."""
        for adapter, rows in self._samples.items():
            logits_NV[rows] = self._owned[adapter].scored(logits_NV[rows], states_NH[rows])
        return logits_NV

    def score_as(self, adapter: int, logits_NV: Tensor, states_NH: Tensor) -> Tensor:
        """Logits of any positions as one adapter scores them."""
        owned = self._owned.get(adapter)
        return logits_NV if owned is None else owned.scored(logits_NV, states_NH)

    def _rows(self, adapters: np.ndarray) -> dict[int, Tensor]:
        places = {adapter: np.flatnonzero(adapters == adapter) for adapter in self._owned}
        return {adapter: torch.from_numpy(rows).to(self._device) for adapter, rows in places.items() if len(rows)}


def _like(tensor: Tensor | None, like: Tensor) -> Tensor | None:
    return None if tensor is None else tensor.to(like)
