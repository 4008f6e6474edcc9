"""Attention over a tree against attention over each branch alone, in float64: 1e-12."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from videomind.model.kv_cache import TRUNK, KVShape, KVTree

HEADS, KEPT, SIZE = 6, 2, 8
SHAPE = KVShape(layers=2, heads=KEPT, size=SIZE, device=torch.device("cpu"), dtype=torch.float64)


class Reference:
    """Every branch by itself: the trunk copied for each, causal attention."""

    def __init__(self) -> None:
        self.seen: dict[int, list[tuple[Tensor, Tensor]]] = {TRUNK: []}

    def attend(self, owner: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """One token: [HEADS, SIZE] looks at the trunk and its own branch, itself included."""
        self.seen.setdefault(owner, []).append((k, v))
        chain = self.seen[TRUNK] + (self.seen[owner] if owner != TRUNK else [])
        keys, values = (
            torch.stack(part, dim=1).repeat_interleave(HEADS // KEPT, 0) for part in zip(*chain, strict=True)
        )
        return scaled_dot_product_attention(q[:, None], keys, values).flatten()


def random(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(count, heads, SIZE, generator=generator, dtype=torch.float64) for heads in (HEADS, KEPT, KEPT)
    )


def check(tree: KVTree, reference: Reference, owners: list[int], seed: int) -> None:
    q, k, v = random(len(owners), seed)
    tree.extend(owners)
    found = [tree.attend(layer, q, k, v) for layer in range(SHAPE.layers)]
    expected = torch.stack([reference.attend(owner, *token) for owner, *token in zip(owners, q, k, v, strict=True)])
    for one in found:
        torch.testing.assert_close(one, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    "steps",
    [
        [[0] * 5, [0], [0] * 3],
        [[TRUNK] * 4 + [0] * 3, [0], [0]],
        [[TRUNK] * 4 + [0] * 3 + [1] * 2 + [2], [0, 1, 2], [0, 0, 0, 2, 2, 1], [1]],
        [[TRUNK] * 3, [0, 1], [1, 1, 0]],
        [[0, 0, 1, 1, 1], [1, 0], [0] * 70],  # grows beyond its room
    ],
)
def test_a_token_sees_the_trunk_and_its_own_branch(steps: list[list[int]]) -> None:
    tree, reference = KVTree(SHAPE, room=2), Reference()
    for seed, owners in enumerate(steps):
        check(tree, reference, owners, seed)


def test_a_known_trunk_counts_as_computed() -> None:
    whole, reference = KVTree(SHAPE), Reference()
    check(whole, reference, [TRUNK] * 5, seed=0)
    tree = KVTree(SHAPE, whole.beginning(5), room=1)
    for seed, owners in enumerate([[0, 0, 1], [1, 0], [1]], start=1):
        check(tree, reference, owners, seed)


def test_dropped_tokens_are_seen_by_nobody() -> None:
    tree, reference = KVTree(SHAPE), Reference()
    check(tree, reference, [TRUNK] * 3 + [0, 0, 1], seed=0)
    check(tree, reference, [0, 0, 0, 1, 1], seed=1)
    tree.drop(0, 2)  # in the middle: they stay where they are, unseen
    tree.drop(1, 1)  # at the end: their place is used again
    tree.drop(1, 0)
    reference.seen[0], reference.seen[1] = reference.seen[0][:-2], reference.seen[1][:-1]
    check(tree, reference, [1, 0, 0], seed=2)
    tree.drop(1, 1)
    reference.seen[1].pop()
    check(tree, reference, [0, 1], seed=3)


def test_a_branch_alone_that_drops_its_last_tokens_needs_no_mask() -> None:
    tree, reference = KVTree(SHAPE), Reference()
    check(tree, reference, [TRUNK] * 3 + [0] * 2, seed=0)
    check(tree, reference, [0] * 4, seed=1)
    tree.drop(0, 3)
    del reference.seen[0][-3:]
    check(tree, reference, [0], seed=2)
    assert tree._calls[-1].mask is None


def test_a_trunk_comes_first_and_once() -> None:
    tree = KVTree(SHAPE)
    with pytest.raises(AssertionError, match="first"):
        tree.extend([0, TRUNK])
    tree = KVTree(SHAPE)
    tree.extend([TRUNK])
    with pytest.raises(AssertionError, match="one trunk"):
        tree.extend([TRUNK])
