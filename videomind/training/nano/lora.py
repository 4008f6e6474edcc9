"""LoRA on the attention of the text model, one adapter at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from videomind.lora_switch.adapter import Adapter, LoRAPair

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj")


class LoraLinear(nn.Module):
    """A frozen linear layer plus scale · B · A, which starts as nothing."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        self.acts = True
        self.a = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.b = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base(x)
        if not self.acts:
            return out
        return out + nn.functional.linear(nn.functional.linear(x, self.a), self.b) * self.scale


def attach(text: nn.Module, rank: int, alpha: float) -> dict[str, LoraLinear]:
    """Freeze the text model and put an adapter on its attention; gives the new layers by module name back."""
    text.requires_grad_(False)
    names = [name for name, _ in text.named_modules() if name.rpartition(".")[2] in TARGETS]
    layers = {}
    for name in names:
        parent, _, leaf = name.rpartition(".")
        owner = text.get_submodule(parent)
        layers[name] = LoraLinear(getattr(owner, leaf), rank, alpha)
        setattr(owner, leaf, layers[name])
    return layers


def detach(text: nn.Module, layers: dict[str, LoraLinear]) -> None:
    """Take the adapter off again."""
    for name, layer in layers.items():
        parent, _, leaf = name.rpartition(".")
        setattr(text.get_submodule(parent), leaf, layer.base)


@contextmanager
def adapters_off(text: nn.Module, off: bool) -> Iterator[None]:
    """Within this context, if `off`, the text model is the base."""
    layers = [layer for layer in text.modules() if off and isinstance(layer, LoraLinear)]
    for layer in layers:
        layer.acts = False
    try:
        yield
    finally:
        for layer in layers:
            layer.acts = True


def to_adapter(layers: dict[str, LoraLinear], dtype: torch.dtype = torch.float16) -> Adapter:
    """The factors as role bundles keep them."""
    pairs = {n: LoRAPair(x.a.detach().to(dtype), x.b.detach().to(dtype), x.scale) for n, x in layers.items()}
    return Adapter(pairs, {})
