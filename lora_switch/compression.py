"""Many LoRA adapters in one basis: in each module W_i = B_i A_i is approximated by U Σ_i V.

U [out, R] has orthonormal columns and V [R, in] orthonormal rows; both are shared by all adapters, and the core Σ_i is
an adapter's own. This is JD-Full of Compress then Serve (arXiv 2407.00066): for a given basis Σ_i = Uᵀ W_i Vᵀ is best,
so what is sought is the basis that keeps most of Σ_i ‖Uᵀ W_i Vᵀ‖². It begins at the singular vectors of the adapters
put side by side and one below the other; then U and V take turns in steps of orthogonal iteration, none of which loses.
All is computed in float64 from the factors: no matrix [out, in] is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from videomind.lora_switch.adapter import LoRAPair

MAX_TURNS = 50
GAIN = 1e-6
"""A turn that keeps less than this share of the whole more is the last."""


class Basis(NamedTuple):
    """What all share in one module: u [out, R] and v [R', in]; R' is not R where one of both sides is narrower."""

    u: Tensor
    v: Tensor


class Miss(NamedTuple):
    """Frobenius norms of what an approximation misses of a change, and of the change."""

    missed: float
    whole: float


def joint_basis(pairs: Sequence[LoRAPair], rank: int, weights: Sequence[float]) -> Basis:
    """The basis, in float64, that keeps most of several changes of one module's weight.

    Args:
        pairs: the changes; their ranks may differ.
        rank: of the basis, from 1. It has less where less holds everything (`largest_rank`).
        weights: what each change is multiplied with before; one over its norm makes all count alike.
    """
    ranks = [len(pair.a) for pair in pairs]
    lefts = [pair.b.double() * (pair.scale * weight) for pair, weight in zip(pairs, weights, strict=True)]
    rights = [pair.a.double().T for pair in pairs]
    u, v = _leading(lefts, rights, rank), _leading(rights, lefts, rank)
    left, right = torch.cat(lefts, dim=1), torch.cat(rights, dim=1)
    kept = _kept(left, right, u, v, ranks)
    whole = sum(_product_norm(b, a.T) ** 2 for b, a in zip(lefts, rights, strict=True))
    for _ in range(MAX_TURNS):
        u = _turned(left, right, u, v, ranks)
        v = _turned(right, left, v, u, ranks)
        before, kept = kept, _kept(left, right, u, v, ranks)
        if kept - before <= GAIN * whole:
            break
    return Basis(u, v.T.contiguous())


def core_factors(pair: LoRAPair, basis: Basis) -> tuple[Tensor, Tensor]:
    """The best core of a change in a basis with orthonormal u and v, as a product [R, r] · [r, R'], in float64."""
    left = basis.u.double().T @ (pair.b.double() * pair.scale)
    return left, pair.a.double() @ basis.v.double().T


def miss(pair: LoRAPair, basis: Basis, core: Tensor) -> Miss:
    """How far U Σ V is from a change, whatever the basis; Σ is `core` [R, R']."""
    left, right = pair.b.double() * pair.scale, pair.a.double()
    whole = _product_norm(left, right)
    theirs = -(basis.u.double() @ core.double())
    missed = _product_norm(torch.cat([left, theirs], dim=1), torch.cat([right, basis.v.double()]))
    return Miss(missed, whole)


def change_norm(pair: LoRAPair) -> float:
    """Frobenius norm of a change."""
    return _product_norm(pair.b.double() * pair.scale, pair.a.double())


def largest_rank(pairs: Sequence[LoRAPair]) -> int:
    """The rank at which a basis holds these changes without loss; a larger one holds no more."""
    total = sum(len(pair.a) for pair in pairs)
    return min(total, max(len(pairs[0].b), pairs[0].a.shape[1]))


def relative(misses: Sequence[Miss]) -> float:
    """Relative error of several parts taken together; 0 of nothing."""
    whole = sum(one.whole**2 for one in misses)
    return (sum(one.missed**2 for one in misses) / whole) ** 0.5 if whole else 0.0


def _leading(lefts: Sequence[Tensor], rights: Sequence[Tensor], rank: int) -> Tensor:
    """The first left singular vectors [m, ≤ rank] of all products left · rightᵀ side by side."""
    side_by_side = [a @ torch.linalg.qr(b).R.T for a, b in zip(lefts, rights, strict=True)]
    u: Tensor = torch.linalg.svd(torch.cat(side_by_side, dim=1), full_matrices=False).U
    return u[:, :rank]


def _turned(left: Tensor, right: Tensor, u: Tensor, v: Tensor, ranks: list[int]) -> Tensor:
    """One step of orthogonal iteration: u becomes an orthonormal basis of (Σ W_i v vᵀ W_iᵀ) u."""
    seen, own = (right.T @ v).split(ranks), (left.T @ u).split(ranks)
    turned: Tensor = torch.linalg.qr(left @ torch.cat([m @ (m.T @ n) for m, n in zip(seen, own, strict=True)])).Q
    return turned


def _kept(left: Tensor, right: Tensor, u: Tensor, v: Tensor, ranks: list[int]) -> float:
    """Σ ‖uᵀ W_i v‖²."""
    parts = zip((left.T @ u).split(ranks), (right.T @ v).split(ranks), strict=True)
    return sum(float((a.T @ b).square().sum()) for a, b in parts)


def _product_norm(left: Tensor, right: Tensor) -> float:
    """Frobenius norm of left [m, k] · right [k, n]."""
    return float(torch.linalg.matrix_norm(torch.linalg.qr(left).R @ torch.linalg.qr(right.T).R.T))
