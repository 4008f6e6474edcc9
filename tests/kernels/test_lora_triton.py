"""The Triton kernels against the plain reference in float64: on a GPU, and interpreted (`test_interpreted.py`)."""

from collections.abc import Sequence

import pytest
import torch

from tests.kernels.interpreter import INTERPRETED, mend_products
from tests.kernels.lora_cases import BATCHES, LAYERS, MIXED, Case, case
from videomind.kernels.lora import BASE, add_lora, route

if not INTERPRETED:
    pytestmark = [  # (what Triton 3.9 says about fused operations is no failure)
        pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION"),
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    ]
else:  # (Triton 3.6's interpreter uses NumPy in a way that is deprecated)
    pytestmark = [pytest.mark.filterwarnings("ignore:Conversion of an array with ndim > 0:DeprecationWarning")]
    mend_products()
DEVICE = "cpu" if INTERPRETED else "cuda"
ROUNDING = {torch.float32: 2e-5, torch.float16: 8e-3, torch.bfloat16: 0.1}
"""Largest absolute and relative difference from float64 on the same inputs; all numbers are of about length 1.

Bfloat16 has 8 bits, results reach 8, and the interpreter cuts off where a GPU rounds.
"""


def check(given: Case, dtype: torch.dtype = torch.float32) -> None:
    from videomind.kernels.lora_triton import add_lora_triton

    given = given.to(dtype, DEVICE)
    expected, before = given.to(dtype).expected(), given.y.clone()
    result = add_lora_triton(given.y, given.x, given.stack, given.routing)
    assert result is given.y
    torch.testing.assert_close(result.double().cpu(), expected, atol=ROUNDING[dtype], rtol=ROUNDING[dtype])
    untouched = given.routing.index == BASE
    assert torch.equal(result[untouched], before[untouched])


SOMEBODY = [name for name, index in BATCHES.items() if set(index) - {BASE}]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("batch", SOMEBODY)
def test_every_batch_on_every_layer(batch: str, layer: str) -> None:
    check(case(BATCHES[batch], outs=LAYERS[layer]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("batch", SOMEBODY)
def test_sixteen_bits(batch: str, dtype: torch.dtype) -> None:
    check(case(BATCHES[batch], outs=LAYERS["q, k, v"]), dtype)


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
@pytest.mark.parametrize("batch", ["alternating", "runs", "one for all"])
def test_dora(batch: str, dtype: torch.dtype) -> None:
    check(case(BATCHES[batch], outs=LAYERS["q, k, v"], dora=True), dtype)


@pytest.mark.parametrize(
    ("ranks", "inputs"), [((64,), 1), ((1, 2), 1536), ((33, 64, 8), 200), ((16,) * 20, 64), ((128, 4), 80)]
)
def test_ranks_and_widths(ranks: Sequence[int], inputs: int) -> None:
    check(case([i % (len(ranks) + 1) - 1 for i in range(2 * len(ranks) + 20)], ranks, (200, 40), inputs))


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
def test_few_tokens_split_the_inner_dimension(dtype: torch.dtype) -> None:
    from videomind.kernels.lora_triton import plan

    given = case([0, 1, BASE, 1], inputs=900)
    assert plan(given.routing, 900, 2, dtype.itemsize).splits > 1
    check(given, dtype)


def test_many_tokens_of_an_adapter_share_tiles() -> None:
    from videomind.kernels.lora_triton import plan

    given = case([0] * 150 + [3] * 150)
    assert plan(given.routing, 80, 2, 4) == (64, 64, 1)
    check(given)


def test_an_adapter_that_leaves_the_layer_alone() -> None:
    given = case([0, 1, 2, 0, 1, 2, 2])
    given.slices[0][1] = None
    check(given)


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
def test_layers_whose_numbers_are_moved_several_at_a_time(dtype: torch.dtype) -> None:
    from videomind.kernels.lora_triton import tables

    even = case([0, 1, 2, BASE, 0, 1, 2] * 9, (16, 64, 32), (96, 32, 48))
    assert tables(even.stack).aligned
    assert not tables(case([0], MIXED).stack).aligned
    check(even, dtype)


def test_parts_of_wider_tensors() -> None:
    from videomind.kernels.lora_triton import add_lora_triton

    given = case(BATCHES["alternating"]).to(torch.float32, DEVICE)
    expected = given.to(torch.float32).expected()
    wide_x, wide_y = torch.zeros(len(given.x), 100, device=DEVICE), torch.zeros(len(given.y), 200, device=DEVICE)
    x, y = wide_x[:, 10:90], wide_y[:, 50:146]
    x.copy_(given.x)
    y.copy_(given.y)
    add_lora_triton(y, x, given.stack, given.routing)
    torch.testing.assert_close(y.double().cpu(), expected, atol=2e-5, rtol=2e-5)
    assert not wide_y[:, :50].any()
    assert not wide_y[:, 146:].any()


@pytest.mark.skipif(INTERPRETED, reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
@pytest.mark.parametrize("tokens", [1, 16, 1000, 8192])
def test_published_shapes_through_the_choice_by_device(tokens: int, dtype: torch.dtype) -> None:
    """The projections of Qwen2-VL-2B with four roles; the float64 of the same formula, per adapter, is the measure."""
    given = case([0] * tokens, (64,) * 4, (1536, 256, 256), 1536).to(dtype, DEVICE)
    for index in (torch.arange(tokens) % 5 - 1, torch.arange(tokens) * 5 // tokens - 1, torch.zeros(tokens).long()):
        expected = given.y.double()
        for adapter in range(len(MIXED)):
            own, first = index.to(DEVICE) == adapter, 0
            for factors, out in zip((slices[adapter] for slices in given.slices), given.outs, strict=True):
                if factors is not None:
                    delta = given.x[own].double() @ factors.a.double().T @ factors.b.double().T
                    expected[own, first : first + out] += delta
                first += out
        result = add_lora(given.y.clone(), given.x, given.stack, route(index.to(DEVICE)))
        torch.testing.assert_close(result.double(), expected, atol=ROUNDING[dtype], rtol=ROUNDING[dtype])
