"""Tokens are grouped without being moved where they stand together."""

import pytest
import torch

from tests.kernels.lora_cases import BATCHES
from videomind.kernels.routing import BASE, LONG, route


def test_nobody_adapts() -> None:
    for index in ([], [BASE], [BASE] * 9):
        routing = route(torch.tensor(index, dtype=torch.long))
        assert routing.groups == ()
        assert routing.places is None


def test_one_adapter_on_all_tokens_of_a_batch_of_any_shape() -> None:
    routing = route(torch.full((3, 4), 2))
    assert routing.groups == ((2, 0, 12),)
    assert routing.places is None
    assert routing.index.shape == (12,)


def test_long_runs_stay_where_they_are() -> None:
    routing = route(torch.tensor([[BASE] * LONG + [1] * LONG, [0] * LONG + [1] * LONG]))
    assert routing.groups == ((1, LONG, 2 * LONG), (0, 2 * LONG, 3 * LONG), (1, 3 * LONG, 4 * LONG))
    assert routing.places is None


def test_so_do_single_tokens_if_no_adapter_comes_twice() -> None:
    routing = route(torch.tensor([3, BASE, 1]))
    assert routing.groups == ((3, 0, 1), (1, 2, 3))
    assert routing.places is None


def test_alternating_tokens_are_sorted_by_adapter_in_their_order() -> None:
    routing = route(torch.tensor([2, BASE, 0, 2, 0, BASE, 2]))
    assert routing.groups == ((0, 0, 2), (2, 2, 5))
    assert routing.places is not None
    assert routing.places.tolist() == [2, 4, 0, 3, 6]


@pytest.mark.parametrize("name", BATCHES)
def test_the_groups_are_the_adapted_tokens_each_once(name: str) -> None:
    index = torch.tensor(BATCHES[name], dtype=torch.long)
    routing = route(index)
    order = torch.arange(len(index)) if routing.places is None else routing.places
    found = [(int(place), group.adapter) for group in routing.groups for place in order[group.start : group.end]]
    assert sorted(found) == [(place, adapter) for place, adapter in enumerate(index.tolist()) if adapter != BASE]
