"""One layer with many adapters: q, k and v as one product, and batches that ask for some of the adapters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from videomind.kernels.lora import Factors, LoraStack, Routing, route

ORDERS = ("requests", "alternating")
"""How a batch's adapters stand: each on a run of tokens, or in turn."""


class Shape(NamedTuple):
    """A layer: width of its input and of q, width of k and of v, rank of the adapters and how many there are."""

    hidden: int
    keys: int
    rank: int
    adapters: int

    @property
    def outs(self) -> tuple[int, int, int]:
        """Outputs of q, k and v."""
        return self.hidden, self.keys, self.keys


class Load(NamedTuple):
    """A batch: tokens, how many different adapters they ask for, in which order."""

    tokens: int
    adapters: int
    order: str


SHAPES = {
    "2b": (Shape(1536, 256, 64, 64), Shape(3584, 512, 64, 64)),
    "tiny": (Shape(128, 32, 8, 8),),
}
TOKENS = {"2b": (1, 4, 16, 64, 256, 1024, 4096, 8192), "tiny": (1, 16, 80)}
ADAPTERS = {"2b": (1, 4, 16, 64), "tiny": (1, 4)}


class Layer(NamedTuple):
    """Attributes:
    a, b: per slice A [adapters, r, in] and B [adapters, out, r].
    stack: the same, for our kernels.
    """

    shape: Shape
    a: list[Tensor]
    b: list[Tensor]
    stack: LoraStack


def make_layer(shape: Shape, device: torch.device, dtype: torch.dtype) -> Layer:
    """Random adapters that keep the length of what they are given."""
    generator = torch.Generator(device).manual_seed(0)

    def normal(*size: int) -> Tensor:
        made = torch.randn(size, generator=generator, device=device, dtype=torch.float32)
        return made.mul_(size[-1] ** -0.5).to(dtype)

    a = [normal(shape.adapters, shape.rank, shape.hidden) for _ in shape.outs]
    b = [normal(shape.adapters, out, shape.rank) for out in shape.outs]
    slices = [[Factors(*pair) for pair in zip(*one, strict=True)] for one in zip(a, b, strict=True)]
    return Layer(shape, a, b, LoraStack.of(slices, shape.outs))


def loads(size: str) -> Iterator[Load]:
    """All batches of a size; none asks for more adapters than it has tokens."""
    for tokens in TOKENS[size]:
        for adapters in (count for count in ADAPTERS[size] if count <= tokens):
            yield from (Load(tokens, adapters, order) for order in (ORDERS if 1 < adapters < tokens else ORDERS[:1]))


def routing(load: Load, device: torch.device) -> Routing:
    """Equal shares for all adapters."""
    token = torch.arange(load.tokens)
    index = token * load.adapters // load.tokens if load.order == "requests" else token % load.adapters
    return route(index.to(device))


def exact(y: Tensor, x: Tensor, layer: Layer, index: Tensor) -> Tensor:
    """What every implementation should give, in float64."""
    result = y.double()
    for adapter in index.unique().tolist():
        own, column = index == adapter, 0
        for a, b in zip(layer.a, layer.b, strict=True):
            delta = x[own].double() @ a[adapter].double().T @ b[adapter].double().T
            result[own, column : column + b.shape[1]] += delta
            column += b.shape[1]
    return result


def moved_bytes(layer: Layer, load: Load) -> int:
    """Bytes that have to be moved: the input read, the output read and written, the factors in use read once."""
    shape, outputs = layer.shape, sum(layer.shape.outs)
    factors = load.adapters * shape.rank * (len(shape.outs) * shape.hidden + outputs)
    return int((load.tokens * (shape.hidden + 2 * outputs) + factors) * layer.stack.a.element_size())


def flop(layer: Layer, load: Load) -> float:
    """Operations of shrink and expand."""
    shape = layer.shape
    return 2.0 * load.tokens * shape.rank * (len(shape.outs) * shape.hidden + sum(shape.outs))
