"""Adapters compressed together, a basis per module and cores per adapter: made, measured and taken apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from videomind.lora_switch.adapter import Adapter, LoRAPair
from videomind.lora_switch.compressible import check_adapters, check_rank
from videomind.lora_switch.compression import (
    Basis,
    Miss,
    change_norm,
    core_factors,
    joint_basis,
    miss,
    relative,
)
from videomind.lora_switch.low_rank import truncate

Adapters = Mapping[str, Adapter]


@dataclass(frozen=True, slots=True)
class Core:
    """An adapter's matrix Σ [R, R'] of one module, or two factors [R, r], [r, R'] where those take fewer numbers."""

    parts: tuple[Tensor, ...]

    @property
    def matrix(self) -> Tensor:
        """Σ in float64."""
        return reduce(torch.matmul, (part.double() for part in self.parts))

    def to(self, dtype: torch.dtype) -> Core:
        """The same in another number type."""
        return Core(tuple(part.to(dtype).contiguous() for part in self.parts))


@dataclass(frozen=True, slots=True)
class Member:
    """What is an adapter's own.

    Attributes:
        cores: by module; a module that it did not adapt is missing.
        rank: the largest that it had.
        invocation: as in `Adapter`.
    """

    cores: dict[str, Core]
    rank: int
    invocation: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class CompressedSet:
    """Several adapters of one base.

    Attributes:
        rank: asked for; a basis has less where less holds everything.
        bases: by module.
        members: by name.
    """

    rank: int
    bases: dict[str, Basis]
    members: dict[str, Member]

    @property
    def bytes(self) -> int:
        """Of all tensors."""
        cores = (part for member in self.members.values() for core in member.cores.values() for part in core.parts)
        return sum(tensor.nbytes for tensor in (*(part for basis in self.bases.values() for part in basis), *cores))


def compress(
    adapters: Adapters, rank: int, watch: Callable[[int, int], None] = lambda module, modules: None
) -> CompressedSet:
    """Compress adapters into a basis of a rank, in the widest of their number types.

    Every adapter counts alike: before the basis is sought it is scaled to a whole change of norm 1 (afterwards it has
    its own size again).

    Args:
        adapters: by name; ranks and adapted modules may differ.
        rank: of the basis.
        watch: told how many of how many modules are done.

    Raises:
        InputError: the adapters cannot be compressed together, or the rank is out of range (see `compressible`).
    """
    check_adapters(adapters)
    check_rank(adapters, rank)
    sizes = {name: _size(adapter) for name, adapter in adapters.items()}
    modules = sorted({module for adapter in adapters.values() for module in adapter.pairs})
    dtype = _widest(adapters)
    bases: dict[str, Basis] = {}
    cores: dict[str, dict[str, Core]] = {name: {} for name in adapters}
    for done, module in enumerate(modules):
        watch(done, len(modules))
        pairs = {name: adapter.pairs[module] for name, adapter in adapters.items() if module in adapter.pairs}
        basis = joint_basis(list(pairs.values()), rank, [1 / sizes[name] if sizes[name] else 0.0 for name in pairs])
        bases[module] = Basis(basis.u.to(dtype), basis.v.to(dtype))
        for name, pair in pairs.items():
            cores[name][module] = _core(pair, basis, dtype)
    members = {
        name: Member(cores[name], max(len(pair.a) for pair in adapter.pairs.values()), adapter.invocation)
        for name, adapter in adapters.items()
    }
    return CompressedSet(rank, bases, members)


def expand(bases: Mapping[str, Basis], member: Member) -> Adapter:
    """One adapter as plain LoRA again, of no higher rank than it had: the core's factors, each in its basis."""
    pairs = {}
    for module, core in member.cores.items():
        basis, inner = bases[module], truncate(core.matrix, member.rank)
        a, b = inner.a @ basis.v.double(), basis.u.double() @ inner.b
        pairs[module] = LoRAPair(a.to(basis.v.dtype), b.to(basis.u.dtype), 1.0)
    return Adapter(pairs, {}, invocation=member.invocation)


def misses(compressed: CompressedSet, adapters: Adapters) -> dict[str, dict[str, Miss]]:
    """By adapter and module, what the compressed set misses of the originals, the rounding of its numbers included."""
    return {
        name: {
            module: miss(pair, compressed.bases[module], compressed.members[name].cores[module].matrix)
            for module, pair in adapter.pairs.items()
        }
        for name, adapter in adapters.items()
    }


def errors_of_adapters(missed: Mapping[str, Mapping[str, Miss]]) -> dict[str, float]:
    """Each adapter's relative error over all its modules."""
    return {name: relative(list(parts.values())) for name, parts in missed.items()}


def errors_of_modules(missed: Mapping[str, Mapping[str, Miss]]) -> dict[str, float]:
    """Each module's relative error, the root of the mean square over its adapters."""
    found: dict[str, list[float]] = {}
    for parts in missed.values():
        for module, one in parts.items():
            found.setdefault(module, []).append(relative([one]) ** 2)
    return {module: (sum(squares) / len(squares)) ** 0.5 for module, squares in sorted(found.items())}


def adapters_bytes(adapters: Adapters) -> int:
    """Of all factors."""
    return sum(pair.a.nbytes + pair.b.nbytes for adapter in adapters.values() for pair in adapter.pairs.values())


def _widest(adapters: Adapters) -> torch.dtype:
    pairs = (pair for adapter in adapters.values() for pair in adapter.pairs.values())
    return reduce(torch.promote_types, (part.dtype for pair in pairs for part in (pair.a, pair.b)))


def _size(adapter: Adapter) -> float:
    """Frobenius norm of an adapter's whole change."""
    return math.hypot(*(change_norm(pair) for pair in adapter.pairs.values()))


def _core(pair: LoRAPair, basis: Basis, dtype: torch.dtype) -> Core:
    left, right = core_factors(pair, basis)
    dense = left.shape[0] * right.shape[1] <= left.numel() + right.numel()
    return Core((left @ right,) if dense else (left, right)).to(dtype)
