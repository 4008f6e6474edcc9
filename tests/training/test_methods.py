"""Every method on a tiny base: it begins as the base, learns, leaves the base alone, and PEFT loads what is saved."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor

from tests.training.lessons import BEGINS, IDS, INVOCATION, LORAS, Lesson, begin, config, load_base
from videomind.errors import InputError
from videomind.lora_switch.peft_files import adapted_layers
from videomind.training.methods import METHODS, adapter_state, attach, initialise, load_adapter_state, save_adapter
from videomind.training.methods.beginning import base_weight, factors, product, takes_from_base

CLOSE = {"atol": 2e-5, "rtol": 1e-5}


@pytest.fixture(scope="module")
def base(tiny_bundle: Path) -> Path:
    return tiny_bundle / "base"


def base_states(base: Path, ids: Tensor = IDS) -> Tensor:
    model = load_base(base)
    with torch.no_grad():
        return model.model.language_model(inputs_embeds=model.lm_head.weight[ids])[0]


@pytest.mark.parametrize("name", METHODS)
def test_it_begins_as_the_base_and_learns_without_touching_it(base: Path, name: str) -> None:
    lesson = begin(base, config(name))
    torch.testing.assert_close(lesson.states().detach(), base_states(base), **CLOSE)
    frozen = {n: p.detach().clone() for n, p in lesson.model.named_parameters() if not p.requires_grad}
    losses = lesson.learn(4)
    assert losses[-1] < losses[0] - 0.02
    assert all(torch.equal(dict(lesson.model.named_parameters())[n], p) for n, p in frozen.items())
    original = load_base(base).model.language_model
    for layer_name, layer in adapted_layers(lesson.adapter):
        torch.testing.assert_close(base_weight(layer), original.get_submodule(layer_name).weight, **CLOSE)


@pytest.mark.filterwarnings("ignore:Found missing adapter keys")  # RandLoRA's projections stand there once for all
@pytest.mark.parametrize("name", METHODS)
def test_peft_loads_what_is_saved_onto_the_base_as_it_was(base: Path, tmp_path: Path, name: str) -> None:
    lesson = begin(base, config(name))
    lesson.learn(4)
    save_adapter(lesson.adapter, tmp_path / "role")
    assert {path.name for path in (tmp_path / "role").iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    model = copy.deepcopy(load_base(base))
    loaded = PeftModel.from_pretrained(model, tmp_path / "role").eval()
    told = {"alora_offsets": [IDS.shape[1] - BEGINS] * len(IDS)} if name == "alora" else {}
    with torch.no_grad(), loaded._enable_peft_forward_hooks(**told):
        states = model.model.language_model(inputs_embeds=model.lm_head.weight[IDS])[0]
    torch.testing.assert_close(states, lesson.states().detach(), **CLOSE)
    assert not torch.allclose(states, base_states(base), atol=1e-2)


@pytest.mark.parametrize("name", METHODS)
def test_a_checkpoint_goes_on_where_it_was(base: Path, name: str) -> None:
    lesson = begin(base, config(name))
    made = lesson.make_optimizer()
    lesson.learn(2, made)
    state, moments = adapter_state(lesson.adapter), copy.deepcopy(made.state_dict())
    expected = lesson.learn(2, made)

    again = begin(base, config(name))
    load_adapter_state(again.adapter, state)
    other = again.make_optimizer()
    other.load_state_dict(moments)
    assert again.learn(2, other) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["pissa", "olora", "lora-ga"])
def test_a_checkpoint_brings_its_residual_along(base: Path, name: str) -> None:
    """Another machine may find other singular vectors: what was taken out of the base then is what counts."""
    lesson = begin(base, config(name))
    lesson.learn(2)
    expected = lesson.states().detach()
    torch.manual_seed(5)
    fresh = begin(base, config(name, rank=4))
    for _, layer in adapted_layers(fresh.adapter):
        a, b = factors(layer)
        layer.get_base_layer().weight.data += 0.5 * layer.scaling["default"] * product(a.data, b.data)
        layer.beginning_b *= 0.5
    load_adapter_state(fresh.adapter, adapter_state(lesson.adapter))
    torch.testing.assert_close(fresh.states().detach(), expected, **CLOSE)


def test_each_method_trains_what_it_says(base: Path) -> None:
    """PEFT's settings and layers show that the name was taken for what it is."""
    made = {name: begin(base, config(name)).adapter.peft_config["default"] for name in METHODS}
    assert made["rslora"].use_rslora
    assert made["dora"].use_dora
    assert made["alora"].alora_invocation_tokens == INVOCATION
    beginnings = {name: made[name].init_lora_weights for name in LORAS if made[name].init_lora_weights is not True}
    assert beginnings == {"eva": "eva", "olora": "olora", "pissa": "pissa", "lora-ga": "lora_ga"}
    kinds = {name: setting.peft_type.value for name, setting in made.items() if name not in LORAS}
    expected = ["VERA", "RANDLORA", "FOURIERFT", "C3A", "GRALORA", "SHIRA", "MISS"]
    assert list(kinds.values()) == expected
    assert {n for n in METHODS if takes_from_base(begin(base, config(n)).adapter)} == {"olora", "pissa", "lora-ga"}


def test_eva_begins_at_the_main_directions_of_the_inputs(base: Path) -> None:
    lesson = begin(base, config("eva"))
    inputs: list[Tensor] = []
    _, layer = next(adapted_layers(lesson.adapter))
    layer.register_forward_pre_hook(lambda _, args: inputs.append(args[0].flatten(0, 1)))
    with torch.no_grad():
        lesson.loss()
    centred = inputs[0] - inputs[0].mean(0)
    best = torch.linalg.svdvals(centred)[:4].square().sum()
    a, b = factors(layer)
    assert (centred @ torch.linalg.qr(a.detach().T)[0]).square().sum() > 0.97 * best
    assert not b.any()


def test_lora_ga_begins_at_the_main_directions_of_the_gradient(base: Path) -> None:
    plain = begin(base, config("lora"))
    name, layer = next(adapted_layers(plain.adapter))
    weight = layer.get_base_layer().weight.requires_grad_(True)
    (gradient,) = torch.autograd.grad(plain.loss(), weight)
    u, _, v = torch.linalg.svd(gradient)
    a, b = factors(dict(adapted_layers(begin(base, config("lora-ga")).adapter))[name])
    assert torch.linalg.svdvals(a.detach() @ v[:4].T).min() > 0.999
    q = torch.linalg.qr(b.detach())[0]
    assert torch.linalg.svdvals(q.T @ u[:, 4:8]).min() > 0.999


def test_what_begins_at_data_leaves_other_gradients_alone(base: Path) -> None:
    torch.manual_seed(0)
    model = load_base(base)
    settings = config("lora-ga")
    copied = copy.deepcopy(model).requires_grad_(False)
    head = copied.lm_head.weight.requires_grad_(True)
    lesson = Lesson(copied, attach(copied.model.language_model, settings), settings)
    learned = [n for n, p in lesson.adapter.named_parameters() if p.requires_grad]
    initialise(lesson.adapter, settings, lesson.loss, [IDS])
    assert head.grad is None
    assert [n for n, p in lesson.adapter.named_parameters() if p.requires_grad] == learned
    assert all(parameter.grad is None for parameter in lesson.adapter.parameters())


def test_lora_ga_keeps_its_factors_in_float32_on_a_half_base(base: Path) -> None:
    model = copy.deepcopy(load_base(base)).to(torch.bfloat16).requires_grad_(False)
    settings = config("lora-ga")
    lesson = Lesson(model, attach(model.model.language_model, settings), settings)
    initialise(lesson.adapter, settings, lesson.loss, [IDS])
    kinds = {factor.dtype for _, layer in adapted_layers(lesson.adapter) for factor in factors(layer)}
    assert kinds == {torch.float32}


@pytest.mark.parametrize("name", ["eva", "lora-ga"])
def test_a_beginning_without_data(base: Path, name: str) -> None:
    model = load_base(base)
    text = copy.deepcopy(model).model.language_model
    with pytest.raises(InputError, match="there are none"):
        initialise(attach(text, config(name)), config(name), lambda batch: batch, [])


def test_eva_with_fewer_tokens_than_directions(base: Path) -> None:
    model = copy.deepcopy(load_base(base)).requires_grad_(False)
    settings = config("eva", rank=16)
    lesson = Lesson(model, attach(model.model.language_model, settings), settings)
    with pytest.raises(InputError, match="16, and a batch has only 14 tokens"):
        initialise(lesson.adapter, settings, lambda ids: lesson.states(ids).sum(), [IDS, IDS[:1, :14]])


def test_lora_plus_lets_b_learn_faster(base: Path) -> None:
    lesson = begin(base, config("lora+", options={"lr_ratio": 4}))
    made = lesson.make_optimizer(1e-3)
    rate = {id(p): group["lr"] for group in made.param_groups for p in group["params"]}
    for _, layer in adapted_layers(lesson.adapter):
        a, b = factors(layer)
        assert rate[id(b)] == pytest.approx(4 * rate[id(a)])


def test_lora_fa_leaves_a_as_it_began(base: Path) -> None:
    lesson = begin(base, config("lora-fa"))
    before = [
        (a.detach().clone(), b.detach().clone()) for a, b in map(factors, dict(adapted_layers(lesson.adapter)).values())
    ]
    lesson.learn(2)
    for (a, b), layer in zip(before, dict(adapted_layers(lesson.adapter)).values(), strict=True):
        assert torch.equal(factors(layer)[0], a)
        assert not torch.equal(factors(layer)[1], b)


@pytest.mark.parametrize("name", ["lora+", "lora-fa"])
def test_what_learns_beside_the_adapter_has_adamw_and_its_own_rate(base: Path, name: str) -> None:
    from videomind.training.methods import optimizer

    lesson = begin(base, config(name))
    beside, reference = (torch.nn.Parameter(torch.tensor([1.0, -2.0])) for _ in range(2))
    own = optimizer(lesson.adapter, lesson.config, 1e-3, 0.0, [{"params": [beside], "lr": 0.1}])
    assert own is not None
    adamw = torch.optim.AdamW([reference], lr=0.1, weight_decay=0.0)
    for step in range(3):
        loss = lesson.loss() + (beside * (step + 1.0)).square().sum()
        own.zero_grad()
        loss.backward()
        own.step()
        adamw.zero_grad()
        (reference * (step + 1.0)).square().sum().backward()
        adamw.step()
    torch.testing.assert_close(beside, reference, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"name": "lorra"}, "no method 'lorra': choose from lora, rslora, dora"),
        ({"name": "vera", "options": {"colour": 1}}, "vera has no option 'colour': it has d_initial"),
        ({"name": "lora+", "options": {"lr_ratio": "16"}}, "option lr_ratio cannot be '16'"),
        ({"name": "lora", "options": {"use_rslora": "no"}}, "option use_rslora cannot be 'no'"),
        ({"name": "miss", "options": {"init_weights": 3}}, "option init_weights cannot be 3"),
        ({"name": "fourierft", "rank": 8}, "fourierft has no rank"),
        ({"name": "vera", "alpha": 8.0}, "vera has no alpha"),
        ({"name": "c3a", "dropout": 0.1}, "c3a has no dropout"),
        ({"name": "c3a", "options": {"block_size": 7}}, "factor"),
        ({"name": "fourierft", "options": {"n_frequency": 10**9}}, "fourierft does not suit this model"),
        ({"name": "pissa", "rank": 40}, "pissa: rank 40 is more than these layers have: at most 32"),
        ({"name": "lora-ga", "rank": 20}, "at most 16"),
        ({"name": "lora-ga", "options": {"direction": "up"}}, "lora-ga"),
        ({"name": "lora", "target_modules": ("q_proj", "x_proj")}, "no linear layer 'x_proj' here: choose from down"),
    ],
)
def test_what_cannot_be_is_said(base: Path, settings: dict[str, Any], says: str) -> None:
    from videomind.training.config import MethodConfig

    with pytest.raises(InputError, match=says) as caught:
        begin(base, MethodConfig(**settings))
    assert "\n" not in str(caught.value)


def test_an_invocation_and_its_method_belong_together(base: Path) -> None:
    text = load_base(base).model.language_model
    with pytest.raises(InputError, match="alora needs an invocation"):
        attach(text, config("alora"))
    with pytest.raises(InputError, match="trained with method alora"):
        attach(text, config("lora"), [1, 2])


def test_c3a_takes_the_largest_block_that_fits_all_layers(base: Path) -> None:
    assert begin(base, config("c3a")).adapter.peft_config["default"].block_size == 32


def test_the_projections_of_randlora_are_saved_once(base: Path, tmp_path: Path) -> None:
    save_adapter(begin(base, config("randlora")).adapter, tmp_path)
    names = load_file(tmp_path / "adapter_model.safetensors")
    assert [name for name in names if name.endswith("randlora_A")] == ["base_model.randlora_A"]


def test_a_saved_alora_says_what_invokes_it(base: Path, tmp_path: Path) -> None:
    save_adapter(begin(base, config("alora")).adapter, tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["alora_invocation_tokens"] == INVOCATION
