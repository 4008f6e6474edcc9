"""Many adapters in one basis: against dense float64 algebra, and where it must be exact."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from videomind.errors import AdapterKindError, BundleError, InputError
from videomind.lora_switch import compression
from videomind.lora_switch.adapter import Adapter, LoRAPair
from videomind.lora_switch.compressed_set import (
    adapters_bytes,
    compress,
    errors_of_adapters,
    errors_of_modules,
    expand,
    misses,
)
from videomind.lora_switch.compression import (
    Basis,
    change_norm,
    core_factors,
    joint_basis,
    largest_rank,
    miss,
    relative,
)

OUT, IN = 24, 20
MODULES = ("layers.0.self_attn.q_proj", "layers.1.mlp.down_proj")


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unrelated(ranks: Sequence[int], out: int = OUT, inputs: int = IN, seed: int = 0) -> list[LoRAPair]:
    """Random factors with nothing in common."""
    seeds = range(seed, seed + 2 * len(ranks), 2)
    return [
        LoRAPair(normal(r, inputs, seed=s), normal(out, r, seed=s + 1), 0.5) for r, s in zip(ranks, seeds, strict=True)
    ]


def related(count: int, rank: int = 4, shared: int = 6, noise: float = 0.05, seed: int = 0) -> list[LoRAPair]:
    """Factors that lie in common subspaces, but for some noise."""
    left, right = normal(OUT, shared, seed=seed + 500), normal(shared, IN, seed=seed + 501)
    own, off = unrelated([rank] * count, shared, shared, seed), unrelated([rank] * count, OUT, IN, seed + 90)
    return [
        LoRAPair(one.a @ right + noise * far.a, left @ one.b + noise * far.b, 2.0)
        for one, far in zip(own, off, strict=True)
    ]


def adapters(pairs: Sequence[LoRAPair], modules: Sequence[str] = MODULES[:1]) -> dict[str, Adapter]:
    return {f"a{i}": Adapter(dict.fromkeys(modules, pair), {}) for i, pair in enumerate(pairs)}


def dense(pair: LoRAPair) -> Tensor:
    return pair.scale * (pair.b.double() @ pair.a.double())


def weights(pairs: Sequence[LoRAPair]) -> list[float]:
    return [1 / change_norm(pair) for pair in pairs]


def core(pair: LoRAPair, basis: Basis) -> Tensor:
    left, right = core_factors(pair, basis)
    return left @ right


def lost(pairs: Sequence[LoRAPair], rank: int) -> list[float]:
    """Relative error of each, in float64 without rounding."""
    basis = joint_basis(pairs, rank, weights(pairs))
    return [relative([miss(pair, basis, core(pair, basis))]) for pair in pairs]


@pytest.mark.parametrize("ranks", [(2, 3, 4), (1, 8), (5, 5, 5, 5, 5, 5)])
def test_where_the_ranks_add_up_nothing_is_lost(ranks: tuple[int, ...]) -> None:
    pairs = unrelated(ranks)
    enough = largest_rank(pairs)
    assert enough == min(sum(ranks), OUT)
    assert max(lost(pairs, enough)) < 1e-7
    assert max(lost(pairs, enough - 1)) > 1e-3


@pytest.mark.parametrize("rank", [1, 3, 7])
def test_the_error_is_the_one_computed_densely(rank: int) -> None:
    pairs = related(5)
    basis = joint_basis(pairs, rank, weights(pairs))
    rounded = Basis(basis.u.bfloat16(), basis.v.bfloat16())
    for pair in pairs:
        for used in (basis, rounded):
            inner = core(pair, basis)
            found = miss(pair, used, inner)
            missed = dense(pair) - used.u.double() @ inner @ used.v.double()
            assert found.missed == pytest.approx(missed.norm().item(), rel=1e-9)
            assert found.whole == pytest.approx(dense(pair).norm().item(), rel=1e-9)


def test_the_basis_is_orthonormal_and_each_side_the_best_for_the_other() -> None:
    pairs = unrelated([4] * 6)
    u, v = joint_basis(pairs, 5, [1.0] * len(pairs))
    torch.testing.assert_close(u.T @ u, torch.eye(5, dtype=torch.float64))
    torch.testing.assert_close(v @ v.T, torch.eye(5, dtype=torch.float64))
    for mine, other, turn in ((u, v.T, lambda w: w), (v.T, u, lambda w: w.T)):
        seen = [turn(dense(pair)) @ other for pair in pairs]
        best = torch.linalg.eigvalsh(sum((w @ w.T for w in seen), torch.zeros(len(mine), len(mine))))[-5:].sum()
        assert sum((mine.T @ w).square().sum() for w in seen) == pytest.approx(best.item(), rel=1e-4)


def test_it_begins_at_singular_vectors_and_turns_keep_more(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = unrelated([4] * 6)
    changes = [dense(pair) for pair in pairs]
    u = torch.linalg.svd(torch.cat(changes, dim=1)).U[:, :5]
    v = torch.linalg.svd(torch.cat(changes)).Vh[:5]
    begun = sum((u.T @ w @ v.T).square().sum().item() for w in changes)
    basis = joint_basis(pairs, 5, [1.0] * len(pairs))
    assert sum(core(pair, basis).square().sum().item() for pair in pairs) > begun * 1.01
    monkeypatch.setattr(compression, "MAX_TURNS", 0)
    basis = joint_basis(pairs, 5, [1.0] * len(pairs))
    assert sum(core(pair, basis).square().sum().item() for pair in pairs) == pytest.approx(begun)


def test_more_rank_loses_less() -> None:
    means = [sum(errors := lost(related(5), rank)) / len(errors) for rank in range(1, 21)]
    assert means == sorted(means, reverse=True)
    assert means[-1] < 1e-7


def test_alike_adapters_lose_less_together_than_each_cut_to_as_many_numbers() -> None:
    pairs, rank = related(6, rank=6), 6
    own_numbers = rank * rank
    cut = math.ceil(own_numbers / (OUT + IN))
    alone = []
    for pair in pairs:
        values = torch.linalg.svdvals(dense(pair))
        alone.append((values[cut:].norm() / values.norm()).item())
    assert max(lost(pairs, rank)) < 0.2 < min(alone)


def test_adapters_with_nothing_in_common_lose_much() -> None:
    assert min(lost(unrelated([4] * 6), 6)) > 0.5 > 0.2 > max(lost(related(6), 6))


def test_no_matrix_of_the_layers_size_is_made() -> None:
    pairs = unrelated([2, 2, 2], out=300_000, inputs=200_000)  # 480 GB
    assert max(lost(pairs, 6)) < 1e-7


def test_every_adapter_counts_alike_whatever_its_size() -> None:
    pairs = related(4, noise=0.3)
    loud = [LoRAPair(pair.a, pair.b, pair.scale * (1000 if i == 3 else 1)) for i, pair in enumerate(pairs)]
    quiet, same = (errors_of_adapters(misses(compress(some, 4), some)) for some in (adapters(pairs), adapters(loud)))
    assert same == pytest.approx(quiet, rel=1e-6)


def test_what_is_expanded_is_what_the_cores_say_at_no_higher_rank() -> None:
    some = adapters(related(5, noise=0.3), MODULES)
    for rank in (3, 6, 12):
        made = compress(some, rank)
        for name, adapter in some.items():
            back = expand(made.bases, made.members[name])
            for module, pair in back.pairs.items():
                basis, inner = made.bases[module], made.members[name].cores[module].matrix
                torch.testing.assert_close(dense(pair), basis.u.double() @ inner @ basis.v.double())
                assert pair.a.shape[0] == pair.b.shape[1] == min(rank, len(adapter.pairs[module].a))


def test_a_core_is_kept_the_way_that_takes_fewer_numbers() -> None:
    some = adapters(related(5))
    kept = {rank: compress(some, rank).members["a0"].cores[MODULES[0]].parts for rank in (8, 9)}
    assert [tuple(part.shape) for part in kept[8]] == [(8, 8)]
    assert [tuple(part.shape) for part in kept[9]] == [(9, 4), (4, 9)]


def test_modules_that_only_some_adapt() -> None:
    one, two, three = related(3)
    some = {
        "both": Adapter(dict.fromkeys(MODULES, one), {}, invocation=(5, 6)),
        "first": Adapter({MODULES[0]: two}, {}),
        "second": Adapter({MODULES[1]: three}, {}),
    }
    made = compress(some, 8)
    missed = misses(made, some)
    assert max(errors_of_adapters(missed).values()) < 1e-6
    assert set(errors_of_modules(missed)) == set(MODULES)
    back = {name: expand(made.bases, member) for name, member in made.members.items()}
    assert {name: list(adapter.pairs) for name, adapter in back.items()} == {
        name: list(adapter.pairs) for name, adapter in some.items()
    }
    assert [adapter.invocation for adapter in back.values()] == [(5, 6), None, None]


def test_an_adapter_that_does_nothing_goes_on_doing_nothing() -> None:
    idle = LoRAPair(normal(4, IN, seed=1), torch.zeros(OUT, 4, dtype=torch.float64), 1.0)
    some = adapters([*related(2), idle])
    made = compress(some, 4)
    assert errors_of_adapters(misses(made, some))["a2"] == 0
    assert dense(expand(made.bases, made.members["a2"]).pairs[MODULES[0]]).abs().sum() == 0


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float16, 1e-3), (torch.bfloat16, 1e-2)])
def test_numbers_keep_their_type_and_their_rounding_counts(dtype: torch.dtype, rounding: float) -> None:
    some = adapters([LoRAPair(pair.a.to(dtype), pair.b.to(dtype), pair.scale) for pair in unrelated([2, 3])])
    made = compress(some, 5)
    tensors = [*made.bases[MODULES[0]], *made.members["a0"].cores[MODULES[0]].parts]
    assert {tensor.dtype for tensor in tensors} == {dtype}
    for name, rank in (("a0", 2), ("a1", 3)):
        (back,) = expand(made.bases, made.members[name]).pairs.values()
        assert (back.a.dtype, back.b.dtype, len(back.a)) == (dtype, dtype, rank)
    assert rounding / 50 < max(errors_of_adapters(misses(made, some)).values()) < rounding


def test_bytes_are_those_of_the_tensors() -> None:
    some = adapters(related(5))
    made = compress(some, 6)
    assert adapters_bytes(some) == 5 * 4 * (OUT + IN) * 8
    assert made.bytes == (6 * (OUT + IN) + 5 * 6 * 6) * 8


def test_errors_taken_together_weigh_by_size() -> None:
    some = adapters(related(3, noise=0.3))
    some["a0"].pairs[MODULES[1]] = LoRAPair(normal(2, IN, seed=8), normal(OUT, 2, seed=9) * 100, 1.0)
    made = compress(some, 3)
    missed = misses(made, some)["a0"]
    squares = [
        [
            (dense(pair) - dense(expand(made.bases, made.members["a0"]).pairs[module])).square().sum(),
            dense(pair).square().sum(),
        ]
        for module, pair in some["a0"].pairs.items()
    ]
    off, whole = (sum(column) for column in zip(*squares, strict=True))
    assert errors_of_adapters({"a0": missed})["a0"] == pytest.approx((off / whole).sqrt().item(), rel=1e-5)


def alone() -> dict[str, Adapter]:
    return adapters(related(1))


def dora() -> dict[str, Adapter]:
    one, two = related(2)
    return adapters([one, LoRAPair(two.a, two.b, 1.0, magnitude=torch.ones(OUT))])


def with_embeddings() -> dict[str, Adapter]:
    some = adapters(related(2))
    return some | {"a1": Adapter(some["a1"].pairs, {"lm_head.weight": torch.ones(3, IN)})}


def other_base() -> dict[str, Adapter]:
    return adapters([*related(1), *unrelated([4], out=OUT + 1)])


def not_finite() -> dict[str, Adapter]:
    some = adapters(related(2))
    some["a1"].pairs[MODULES[0]].b[3, 1] = torch.nan
    return some


def nothing_adapted() -> dict[str, Adapter]:
    return adapters(related(1)) | {"a1": Adapter({}, {})}


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (alone, InputError, "one adapter alone"),
        (dora, AdapterKindError, "a1: a DoRA.*videomind convert MODEL OUT --to lora"),
        (with_embeddings, BundleError, "a1: it has embeddings of its own"),
        (other_base, BundleError, "a1 and a0 are for different bases.* 20 to 25 in the one, 20 to 24 in the other"),
        (not_finite, BundleError, "a1: layers.0.self_attn.q_proj holds numbers that are not finite"),
        (nothing_adapted, BundleError, "a1: it adapts no module"),
    ],
)
def test_what_cannot_be_compressed(make: Callable[[], dict[str, Adapter]], kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        compress(make(), 2)


@pytest.mark.parametrize(("rank", "says"), [(0, "from 1"), (-3, "from 1"), (9, "at rank 8 nothing is lost")])
def test_a_rank_out_of_range(rank: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        compress(adapters(related(2)), rank)
