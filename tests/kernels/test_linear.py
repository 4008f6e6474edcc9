"""A linear layer against float64, on either side of the rule that chooses the library."""

import pytest
import torch
from torch import Tensor, nn

from videomind.kernels.linear import HAS_ONEDNN, linear, takes_onednn

LARGE = (96, 192, 96)
"""Rows, inputs and outputs of a product that is worth oneDNN's call."""


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def check(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> None:
    expected = nn.functional.linear(x.double(), weight.double(), None if bias is None else bias.double())
    with torch.inference_mode():
        torch.testing.assert_close(linear(x, weight, bias).double(), expected, atol=2e-4, rtol=1e-5)


@pytest.mark.parametrize(
    "shape", [LARGE, (1, 2000, 1000), (3, 1024, 512), (2, 8, 4), (0, 8, 4), (300, 64, 64), (4, 0, 3)]
)
@pytest.mark.parametrize("biased", [True, False])
def test_every_size_equals_float64(shape: tuple[int, int, int], biased: bool) -> None:
    rows, inputs, outputs = shape
    check(normal(rows, inputs), normal(outputs, inputs), normal(outputs) if biased else None)


def test_dimensions_before_the_last_are_kept() -> None:
    x, weight = normal(2, 48, 192), normal(96, 192)
    assert linear(x, weight).shape == (2, 48, 96)
    check(x, weight)
    check(normal(192), weight)


def test_parts_and_transposes_of_tensors_are_taken() -> None:
    rows, inputs, outputs = LARGE
    check(normal(rows, 2 * inputs)[:, inputs:], normal(outputs, inputs))
    check(normal(inputs, rows).T, normal(outputs, inputs))
    check(normal(rows, inputs), normal(inputs, outputs).T)
    check(normal(2 * rows, inputs)[::2], normal(outputs, 2 * inputs)[:, :inputs])


def test_a_part_of_a_wider_weight_is_left_to_the_other_library() -> None:
    """OneDNN would take a thousand times as long."""
    x, weight = normal(*LARGE[:2]), normal(2 * LARGE[2], LARGE[1])
    rows, columns = weight[LARGE[2] :], normal(LARGE[2], 2 * LARGE[1])[:, : LARGE[1]]
    assert takes_onednn(x, rows) == takes_onednn(x, rows.T.contiguous().T) == HAS_ONEDNN
    assert not takes_onednn(x, columns)
    assert not takes_onednn(x, normal(LARGE[1], 2 * LARGE[2])[:, : LARGE[2]].T)


def test_gradients_flow_where_they_are_wanted() -> None:
    rows, inputs, outputs = LARGE
    x, layer = normal(rows, inputs).requires_grad_(), nn.Linear(inputs, outputs)
    for wanted in (linear(x, layer.weight.detach()), linear(x.detach(), layer.weight, layer.bias)):
        wanted.sum().backward()
    assert x.grad is not None
    assert layer.weight.grad is not None
    assert layer.bias.grad is not None
    assert not linear(x.detach(), layer.weight.detach()).requires_grad


def test_other_number_types_stay_what_they_are() -> None:
    rows, inputs, outputs = LARGE
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        assert linear(normal(rows, inputs).to(dtype), normal(outputs, inputs).to(dtype)).dtype == dtype


def test_the_same_product_twice_gives_the_same_bits() -> None:
    x, weight = normal(*LARGE[:2]), normal(LARGE[2], LARGE[1])
    with torch.inference_mode():
        assert torch.equal(linear(x, weight), linear(x, weight))
