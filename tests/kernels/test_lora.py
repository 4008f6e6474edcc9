"""Batched multi-LoRA on CPU against the plain reference in float64, and the reference against PEFT."""

from collections.abc import Sequence

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from tests.kernels.lora_cases import BATCHES, LAYERS, MIXED, case
from videomind.kernels.lora import BASE, Factors, LoraStack, add_lora, route
from videomind.kernels.lora_few import add_lora_few, is_few
from videomind.kernels.lora_grouped import add_lora_grouped
from videomind.kernels.lora_reference import add_lora_reference

ROUNDING = {torch.float64: 1e-12, torch.float32: 2e-5, torch.bfloat16: 0.06, torch.float16: 8e-3}
"""Largest absolute and relative difference from float64 on the same inputs; all numbers are of about length 1."""


@pytest.mark.parametrize("dora", [False, True], ids=["lora", "dora"])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("batch", BATCHES)
def test_every_batch_on_every_layer(batch: str, layer: str, dora: bool) -> None:
    given = case(BATCHES[batch], outs=LAYERS[layer], dora=dora)
    expected = given.expected()
    result = add_lora(given.y, given.x, given.stack, given.routing)
    assert result is given.y
    torch.testing.assert_close(result.double(), expected, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
@pytest.mark.parametrize("batch", ["one for all", "alternating", "runs"])
def test_every_number_type(batch: str, dtype: torch.dtype) -> None:
    given = case(BATCHES[batch], outs=LAYERS["q, k, v"], dora=True).to(dtype)
    expected = given.expected()
    result = add_lora(given.y, given.x, given.stack, given.routing)
    assert result.dtype == dtype
    torch.testing.assert_close(result.double(), expected, atol=ROUNDING[dtype], rtol=ROUNDING[dtype])


@pytest.mark.parametrize(("ranks", "inputs"), [((64,), 1), ((1, 2), 1536), ((33, 64, 8), 200), ((16,) * 20, 64)])
def test_ranks_and_widths(ranks: Sequence[int], inputs: int) -> None:
    given = case([i % (len(ranks) + 1) - 1 for i in range(3 * len(ranks) + 40)], ranks, (200, 40), inputs)
    expected = given.expected()
    result = add_lora(given.y, given.x, given.stack, given.routing)
    torch.testing.assert_close(result.double(), expected, atol=2e-5, rtol=2e-5)


def test_large_products_too() -> None:
    given = case([0] * 700 + [BASE] * 100 + [1] * 500, (64, 64), (256, 128, 128), 512)
    expected = given.expected()
    result = add_lora(given.y, given.x, given.stack, given.routing)
    torch.testing.assert_close(result.double(), expected, atol=2e-5, rtol=2e-5)


def test_tokens_of_the_base_keep_their_bits() -> None:
    given = case(BATCHES["alternating"])
    before = given.y.clone()
    result = add_lora(given.y, given.x, given.stack, given.routing)
    untouched = given.routing.index == BASE
    assert torch.equal(result[untouched], before[untouched])
    assert not (result[~untouched] == before[~untouched]).all(-1).any()


def test_an_adapter_that_leaves_the_layer_alone() -> None:
    given = case([0, 1, 2, 0, 1, 2, 2])
    given.slices[0][1] = None
    expected = given.expected()
    result = add_lora(given.y, given.x, given.stack, given.routing)
    torch.testing.assert_close(result.double(), expected, atol=2e-5, rtol=2e-5)


def test_part_of_a_wider_output_is_changed_in_place() -> None:
    given = case(BATCHES["alternating"])
    expected, wide = given.expected(), torch.zeros(len(given.y), 200)
    wide[:, 50:146] = given.y
    add_lora(wide[:, 50:146], given.x, given.stack, given.routing)
    torch.testing.assert_close(wide[:, 50:146].double(), expected, atol=2e-5, rtol=2e-5)
    assert not wide[:, :50].any()
    assert not wide[:, 146:].any()


def test_the_reference_equals_peft() -> None:
    """Three adapters and the base named row by row on a bare layer, without our own loading of adapters."""
    torch.manual_seed(0)
    base = nn.ModuleDict({"layer": nn.Linear(24, 18)})
    base.forward = lambda x: base["layer"](x)
    model, factors = None, []
    for name, rank in zip(("one", "two", "three"), MIXED, strict=False):
        config = LoraConfig(r=rank, lora_alpha=3 * rank, target_modules=["layer"], init_lora_weights=False)
        if model is None:
            model = get_peft_model(base, config, adapter_name=name)
        else:
            model.add_adapter(name, config)
        layer = base["layer"]
        factors.append(Factors(layer.lora_A[name].weight.detach(), 3 * layer.lora_B[name].weight.detach()))
    assert model is not None
    names = ["two", "__base__", "one", "three", "two", "one", "__base__"]
    index = [{"one": 0, "two": 1, "three": 2}.get(name, BASE) for name in names]
    x = torch.randn(len(names), 24)
    with torch.inference_mode():
        expected = model.eval()(x, adapter_names=names)
        plain = base["layer"].base_layer(x)
    for version in (add_lora_reference, add_lora):
        result = version(plain.clone(), x, LoraStack.of([factors], [18]), route(torch.tensor(index)))
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("slices", "outs", "said"),
    [
        ([[Factors(torch.ones(2, 4), torch.ones(6, 3))]], [6], "no factors of 6"),
        ([[Factors(torch.ones(2, 4), torch.ones(6, 2))]], [5], "no factors of 5"),
        (
            [[Factors(torch.ones(2, 4), torch.ones(6, 2))], [Factors(torch.ones(2, 5), torch.ones(6, 2))]],
            [6, 6],
            "4, 5",
        ),
        ([[None], [None, None]], [6, 6], r"\[1, 2\] adapters"),
        ([[None]], [6, 6], "1 slices"),
    ],
)
def test_what_does_not_fit_is_refused(slices: list[list[Factors | None]], outs: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LoraStack.of(slices, outs)


def test_one_shrink_serves_all_slices() -> None:
    given = case([0], outs=LAYERS["q, k, v"])
    (first, second, *_) = given.stack.adapters
    assert first is not None
    assert second is not None
    assert first.a.shape == (3 * MIXED[0], 80)
    assert second.a.shape == (2 * MIXED[1], 80)  # it leaves the last slice alone


@pytest.mark.parametrize("dora", [False, True])
def test_factors_are_held_once(dora: bool) -> None:
    stack = case([0], outs=LAYERS["q, k, v"], dora=dora).stack
    assert stack.whole is not dora
    present = [one for one in stack.adapters if one is not None]
    assert sum(len(one.a) for one in present) == len(stack.a) == sum(stack.ranks)
    assert {one.a.untyped_storage().data_ptr() for one in present} == {stack.a.untyped_storage().data_ptr()}
    parts = [part.b for one in present for part in one.parts]
    assert {part.untyped_storage().data_ptr() for part in parts} == {stack.b.untyped_storage().data_ptr()}
    assert dora == (sum(part.numel() for part in parts) == stack.b.numel())


@pytest.mark.parametrize("batch", BATCHES)
def test_few_tokens_and_many_are_added_alike(batch: str) -> None:
    given = case(BATCHES[batch], outs=LAYERS["q, k, v"])
    if given.routing.groups:
        few = add_lora_few(given.y.clone(), given.x, given.stack, given.routing)
        many = add_lora_grouped(given.y.clone(), given.x, given.stack, given.routing)
        torch.testing.assert_close(few, many, atol=2e-5, rtol=2e-5)


def test_which_of_both_depends_on_tokens_and_layer() -> None:
    small, large = case([0], (16,) * 4, (192, 64, 64), 192), case([0], (64,) * 4, (1536, 256, 256), 1536)
    assert not is_few(small.x, small.stack, small.routing)
    mixed = route(torch.arange(4))
    assert is_few(small.x.expand(4, -1), small.stack, mixed)
    assert not is_few(small.x.expand(64, -1), small.stack, route(torch.arange(64) % 4))
    assert not is_few(large.x.expand(4, -1), large.stack, mixed)
