"""Switching roles on one resident backbone: every adapter is loaded once, each token of a batch names its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import torch
from torch import Tensor, nn

from videomind.errors import BundleError
from videomind.kernels.linear import linear
from videomind.kernels.lora import BASE, Factors, LoraStack
from videomind.lora_switch.adapter import Adapter, LoRAPair
from videomind.lora_switch.rows import TokenRows


class RoleSwitch:
    """The adapters of all roles on one text model.

    Args:
        text_model: transformers' text model, which is left as it is.
        embed_tokens: the base's input embedding.
        lm_head: the base's output projection.
        adapters: per role name, its adapter.

    Raises:
        BundleError: an adapter does not fit this base (unknown module, wrong shape).
    """

    def __init__(
        self,
        text_model: nn.Module,
        embed_tokens: nn.Embedding,
        lm_head: nn.Linear,
        adapters: Mapping[str, Adapter],
    ) -> None:
        self._index = {role: i for i, role in enumerate(adapters)}
        self._weight = embed_tokens.weight
        self._base_embed, self._base_head = embed_tokens.weight, lm_head.weight
        self._modules = {name: one for name, one in text_model.named_modules() if isinstance(one, nn.Linear)}
        self._adapters = adapters
        for role, adapter in adapters.items():
            self._check(role, adapter)
        self._embed = {role: self._own(role, adapter, "embed_tokens.weight") for role, adapter in adapters.items()}
        self._head = {role: self._own(role, adapter, "lm_head.weight") for role, adapter in adapters.items()}
        self._rows = {role: self._own_rows(role, adapter) for role, adapter in adapters.items()}
        self._bytes = {role: adapter_bytes(adapter, self._weight.dtype) for role, adapter in adapters.items()}

    def index(self, role: str | None) -> int:
        """Adapter index of a role; `BASE` for a role without adapter and for the base model."""
        return BASE if role is None else self._index.get(role, BASE)

    def stack(self, names: Sequence[str]) -> LoraStack | None:
        """The adapters of linear layers that read the same input, as one layer; None where no adapter touches them."""
        slices = [[self._factors(adapter, name) for adapter in self._adapters.values()] for name in names]
        if not any(one is not None for factors in slices for one in factors):
            return None
        return LoraStack.of(slices, [self._modules[name].out_features for name in names])

    def embed(self, ids: Sequence[Tensor], roles: Sequence[str | None]) -> Tensor:
        """Input embeddings [N, H] of several texts, one behind the other.

        Args:
            ids: the tokens of each text.
            roles: whose each text is; a role's own table or token rows are used where it has some.
        """
        same = groupby(zip(ids, roles, strict=True), key=lambda text: text[1])
        parts = [self._embed_one(torch.cat([one for one, _ in texts]), role or "") for role, texts in same]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def owner(self, role: str, ids: Sequence[int]) -> str | None:
        """The role, if it embeds any of these tokens in its own way; None where they are embedded as by the base."""
        rows = self._rows.get(role)
        own_rows = rows is not None and not set(rows.ids.tolist()).isdisjoint(ids)
        return role if self._embed.get(role) is not None or own_rows else None

    def head(self, role: str | None) -> Tensor:
        """Output projection [V, H] of a role, but for the rows of single tokens that it may own."""
        own = self._head.get(role or "", None)
        return self._base_head if own is None else own

    def rows(self, role: str | None) -> TokenRows | None:
        """The rows of single tokens that a role owns, or None."""
        return self._rows.get(role or "")

    def logits(self, states: Tensor, role: str | None) -> Tensor:
        """Float32 logits [..., V] of normed states [..., H] as a role scores them."""
        logits = linear(states, self.head(role)).float()
        rows = self.rows(role)
        return logits if rows is None else rows.scored(logits, states)

    def memory(self) -> dict[str, dict[str, int]]:
        """Bytes per role: its factors and the embeddings it owns."""
        return self._bytes

    def _embed_one(self, ids_L: Tensor, role: str) -> Tensor:
        own, rows = self._embed.get(role, None), self._rows.get(role, None)
        embeds = nn.functional.embedding(ids_L, self._base_embed if own is None else own)
        return embeds if rows is None else rows.embedded(embeds, ids_L)

    def _own_rows(self, role: str, adapter: Adapter) -> TokenRows | None:
        if adapter.rows is None:
            return None
        adapter.rows.check(role, self._weight)
        return adapter.rows.to(self._weight)

    def _own(self, role: str, adapter: Adapter, name: str) -> Tensor | None:
        tensor = adapter.embeddings.get(name)
        if tensor is None:
            return None
        if tensor.ndim != 2 or tensor.shape[1] != self._weight.shape[1]:
            raise BundleError(
                f"{role}: its {name} has shape {list(tensor.shape)}; this base has {list(self._weight.shape)}"
            )
        return tensor.to(self._weight)

    def _check(self, role: str, adapter: Adapter) -> None:
        for name, pair in adapter.pairs.items():
            base = self._modules.get(name)
            if base is None:
                raise BundleError(f"adapter of {role} is for another base: it adapts {name}, which this base lacks")
            if pair.a.shape[1] != base.in_features or pair.b.shape[0] != base.out_features:
                raise BundleError(
                    f"adapter of {role} is for another base: {name} maps {pair.a.shape[1]} to {pair.b.shape[0]}, "
                    f"in this base {base.in_features} to {base.out_features}"
                )

    def _factors(self, adapter: Adapter, name: str) -> Factors | None:
        pair = adapter.pairs.get(name)
        if pair is None:
            return None
        base = self._modules[name]
        a, b = pair.a.to(self._weight), pair.b.double() * pair.scale
        if pair.magnitude is None:
            return Factors(a, b.to(self._weight))
        gain = _gain(base.weight, pair)
        return Factors(a, (b.to(gain) * gain[:, None]).to(self._weight), (gain - 1).to(self._weight), base.bias)


def _gain(weight_OI: Tensor, pair: LoRAPair) -> Tensor:
    """What DoRA multiplies each row of W + delta by [out], in float32: its learned length over the length it has."""
    assert pair.magnitude is not None
    a, b, magnitude = (part.to(weight_OI.device).float() for part in (pair.a, pair.b, pair.magnitude))
    length: Tensor = torch.linalg.vector_norm(weight_OI.float() + pair.scale * (b @ a), dim=1)
    return magnitude / length


def adapter_bytes(adapter: Adapter, dtype: torch.dtype) -> dict[str, int]:
    """Bytes of its factors ("adapter") and of what it owns ("embeddings") in a number type."""
    parts = (part for pair in adapter.pairs.values() for part in (pair.a, pair.b, pair.magnitude) if part is not None)
    numbers = sum(part.numel() for part in parts)
    owned = sum(tensor.numel() for tensor in adapter.embeddings.values())
    if adapter.rows is not None:
        owned += adapter.rows.embed.numel() + adapter.rows.head.numel()
    return {"adapter": numbers * dtype.itemsize, "embeddings": owned * dtype.itemsize}
