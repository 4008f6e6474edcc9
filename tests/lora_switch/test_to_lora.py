"""Adapters of other kinds become plain LoRA, measured against what PEFT itself computes with them."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel
from peft.tuners.lora.conversion import convert_to_lora
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.text_states import text_states
from tests import tiny
from tests.training.lessons import IDS, OTHERS, begin, config, load_base
from videomind.engines.torch_engine import TorchEngine
from videomind.errors import AdapterKindError, BundleError, InputError
from videomind.lora_switch.adapter import read_adapter, write_adapter
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.low_rank import adapter_to_lora, layer_delta, truncate
from videomind.lora_switch.peft_files import adapted_layers
from videomind.lora_switch.switch import RoleSwitch
from videomind.lora_switch.to_lora import bundle_to_lora
from videomind.training.methods import save_adapter

FULL = 64
"""The tiny base's layers have no higher rank."""


@pytest.fixture(scope="module")
def base(tiny_bundle: Path) -> Path:
    return tiny_bundle / "base"


def trained(base: Path, name: str) -> Any:
    """A lesson whose adapter is far from where it began."""
    lesson = begin(base, config(name))
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in lesson.adapter.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn_like(parameter) * (parameter.abs().mean() + 0.1)
    return lesson


def switched(base: Path, folder: Path) -> Tensor:
    """States of the language model with an adapter of ours."""
    model = copy.deepcopy(load_base(base))
    text = model.model.language_model
    switch = RoleSwitch(text, text.embed_tokens, model.lm_head, {"grounder": read_adapter(folder)})
    return text_states(text, switch, IDS, torch.zeros_like(IDS))


@pytest.mark.parametrize("name", ["dora", *OTHERS])
def test_at_full_rank_the_lora_does_what_the_adapter_did(base: Path, tmp_path: Path, name: str) -> None:
    lesson = trained(base, name)
    save_adapter(lesson.adapter, tmp_path / "theirs")
    adapter, kind, error = adapter_to_lora(base, tmp_path / "theirs", FULL)
    write_adapter(tmp_path / "ours", adapter)
    expected = lesson.states().detach()
    torch.testing.assert_close(switched(base, tmp_path / "ours"), expected, atol=1e-3, rtol=1e-3)
    assert kind.lower() == name
    assert error < 1e-5


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "shira"])
def test_a_low_rank_is_the_one_that_peft_finds(base: Path, tmp_path: Path, name: str) -> None:
    lesson = trained(base, name)
    save_adapter(lesson.adapter, tmp_path)
    rank = 4 if name == "miss" else 3  # PEFT keeps the rank of a MiSS
    ours = adapter_to_lora(base, tmp_path, rank)[0]
    _, theirs = convert_to_lora(lesson.adapter, rank=rank)
    for module, pair in ours.pairs.items():
        a, b = (theirs[f"base_model.model.{module}.lora_{x}.weight"] for x in "AB")
        torch.testing.assert_close(pair.b @ pair.a, b.detach() @ a.detach(), atol=1e-4, rtol=1e-4)
        assert pair.a.shape[0] == rank


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "miss"])
def test_the_change_is_the_one_that_peft_names(base: Path, name: str) -> None:
    lesson = trained(base, name)
    original = load_base(base).model.language_model
    for module, layer in adapted_layers(lesson.adapter):
        delta = layer.get_delta_weight("default").detach()
        ours = layer_delta(layer, original.get_submodule(module).weight)
        torch.testing.assert_close(ours, delta.to_dense() if delta.is_sparse else delta, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("beginning", ["pissa", "olora"])
def test_a_folder_that_peft_saved_for_a_changed_base_fits_the_base_again(
    base: Path, tmp_path: Path, beginning: str
) -> None:
    lesson = trained(base, beginning)
    lesson.adapter.save_pretrained(tmp_path / "theirs")
    expected = lesson.states().detach()
    with pytest.raises(AdapterKindError, match="cannot be served as it is"):
        read_adapter(tmp_path / "theirs")
    adapter, _, error = adapter_to_lora(base, tmp_path / "theirs", 8)
    write_adapter(tmp_path / "ours", adapter)
    torch.testing.assert_close(switched(base, tmp_path / "ours"), expected, atol=1e-3, rtol=1e-3)
    assert error < 1e-4


def test_the_rank_may_be_a_share_of_energy() -> None:
    u, v = (torch.linalg.qr(torch.randn(20, 20, generator=torch.Generator().manual_seed(i)))[0] for i in range(2))
    delta = u[:, :4] @ torch.diag(torch.tensor([3.0, 2.0, 1.0, 0.1])) @ v[:4]
    ranks = {share: truncate(delta, share).a.shape[0] for share in (0.5, 0.64, 0.65, 0.9, 0.95, 0.9999)}
    assert ranks == {0.5: 1, 0.64: 1, 0.65: 2, 0.9: 2, 0.95: 3, 0.9999: 4}
    assert truncate(delta, 16).a.shape[0] == 4
    assert truncate(torch.zeros(5, 3), 0.9).b.abs().sum() == 0


@pytest.fixture
def model(tiny_bundle: Path, base: Path, tmp_path: Path) -> Path:
    """A bundle whose grounder is a VeRA, whose verifier is a DoRA with embeddings, and whose planner is plain."""
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "model"))
    for role, name in (("grounder", "vera"), ("verifier", "dora")):
        save_adapter(trained(base, name).adapter, folder / role)
    return folder


def test_loading_it_names_the_command_that_helps(model: Path) -> None:
    with pytest.raises(AdapterKindError, match=f"VeRA.*videomind convert {model} OUT --to lora"):
        load_bundle(model)


def test_the_converted_folder_loads_and_keeps_the_rest(model: Path, base: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    done = bundle_to_lora(model, tmp_path / "out", 6, watch=lambda *news: told.append(news))
    assert [(one.role, one.kind, one.rank) for one in done] == [("grounder", "VeRA", 6), ("verifier", "DoRA", 6)]
    assert told[0] == ("grounder", 0, 8)
    assert told[-1] == ("verifier", 7, 8)
    bundle, before = load_bundle(tmp_path / "out"), json.loads((model / "videomind.json").read_text())
    assert json.loads((tmp_path / "out" / "videomind.json").read_text()) == before
    for kept in ("planner", "base", "verifier/embeddings.safetensors", "verifier/role.json"):
        assert same(model / kept, tmp_path / "out" / kept)
    assert same(
        model / "grounder/timestamp_decoder.safetensors", tmp_path / "out/grounder/timestamp_decoder.safetensors"
    )
    TorchEngine(bundle, device="cpu").close()


def test_the_error_that_is_told_is_the_error_that_was_made(model: Path, base: Path, tmp_path: Path) -> None:
    done = {one.role: one for one in bundle_to_lora(model, tmp_path / "out", 6)}
    adapter = load_bundle(tmp_path / "out").roles["grounder"].adapter
    assert adapter is not None
    missed = whole = 0.0
    for module, layer in adapted_layers(trained(base, "vera").adapter):
        pair, delta = adapter.pairs[module], layer.get_delta_weight("default").detach()
        missed += (delta - pair.scale * pair.b @ pair.a).square().sum().item()
        whole += delta.square().sum().item()
    assert done["grounder"].error == pytest.approx((missed / whole) ** 0.5, rel=1e-3)
    assert 0.01 < done["grounder"].error < 1


def test_a_base_outside_the_folder_is_still_found(model: Path, tmp_path: Path) -> None:
    shutil.move(model / "base", tmp_path / "elsewhere")
    manifest = json.loads((model / "videomind.json").read_text())
    (model / "videomind.json").write_text(json.dumps(manifest | {"base": "../elsewhere", "processor": "../elsewhere"}))
    (tmp_path / "deep").mkdir()
    bundle_to_lora(model, tmp_path / "deep" / "out", 4)
    bundle = load_bundle(tmp_path / "deep" / "out")
    assert bundle.base == bundle.processor == tmp_path / "elsewhere"


def test_a_dora_is_served_as_it_is_and_exactly(base: Path, tmp_path: Path) -> None:
    lesson = trained(base, "dora")
    save_adapter(lesson.adapter, tmp_path)
    torch.testing.assert_close(switched(base, tmp_path), lesson.states().detach(), atol=1e-4, rtol=1e-5)


def nothing_to_do(model: Path) -> None:
    for role in ("grounder", "verifier"):
        shutil.rmtree(model / role)
        shutil.copytree(model / "planner", model / role)
        (model / role / "role.json").write_text((model / role / "role.json").read_text().replace("planner", role))


def huge_rank(model: Path) -> None:
    edit(model / "grounder" / "adapter_config.json", r=10**9)


def other_rank(model: Path) -> None:
    edit(model / "grounder" / "adapter_config.json", r=8)


def unknown_kind(model: Path) -> None:
    edit(model / "grounder" / "adapter_config.json", peft_type="OFT")


def odd_kind(model: Path) -> None:
    edit(model / "grounder" / "adapter_config.json", bias="all")


def residual_lost(model: Path) -> None:
    edit(model / "verifier" / "adapter_config.json", init_lora_weights="lora_ga")


def other_tensors(model: Path) -> None:
    path = model / "grounder" / "adapter_model.safetensors"
    save_file(load_file(path) | {"odd.weight": torch.zeros(1)}, path)


def too_few_tensors(model: Path) -> None:
    path = model / "grounder" / "adapter_model.safetensors"
    save_file({name: t for name, t in load_file(path).items() if "lambda_d" not in name}, path)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (nothing_to_do, "plain LoRA already"),
        (huge_rank, "a rank of 1000000000 is out of range"),
        (other_rank, "does not load"),
        (unknown_kind, "'OFT' is not known here: LoRA, VeRA"),
        (odd_kind, "bias=all"),
        (residual_lost, "lora_ga"),
        (other_tensors, "unknown tensor 'odd.weight'"),
        (too_few_tensors, "missing tensor"),
    ],
)
def test_what_cannot_be_converted_is_said_in_one_line(model: Path, tmp_path: Path, damage: Any, says: str) -> None:
    damage(model)
    with pytest.raises(InputError, match=says) as caught:
        bundle_to_lora(model, tmp_path / "out", 4)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.partial").exists()


@pytest.mark.parametrize("rank", [0, -1, 0.0, 1.0, 1.5])
def test_a_rank_out_of_range(model: Path, tmp_path: Path, rank: int | float) -> None:
    with pytest.raises(InputError, match="share of energy"):
        bundle_to_lora(model, tmp_path / "out", rank)


def test_nothing_is_overwritten(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    for out in (tmp_path / "out", model, model / "inside"):
        with pytest.raises(InputError, match="is in use"):
            bundle_to_lora(model, out, 4)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_an_alora_needs_a_role_that_says_so(tiny_bundle: Path, base: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "model"))
    save_adapter(begin(base, config("alora")).adapter, folder / "planner")
    with pytest.raises(BundleError, match="aLoRA: set activation"):
        load_bundle(folder)
    edit(folder / "planner" / "role.json", activation="alora", invocation="planner:")
    assert load_bundle(folder).roles["planner"].adapter is not None


def test_plain_lora_of_peft_on_any_prefix_is_read_for_conversion(base: Path, tmp_path: Path) -> None:
    """A DoRA that PEFT trained on the whole model, under the names of transformers 4.45."""
    model = copy.deepcopy(load_base(base))
    torch.manual_seed(0)
    whole = PeftModel(model, LoraConfig(r=2, target_modules=r".*language_model.*v_proj", use_dora=True))
    for name, parameter in whole.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    whole.save_pretrained(tmp_path / "new")
    weights = load_file(tmp_path / "new" / "adapter_model.safetensors")
    assert all("model.language_model." in name for name in weights)
    shutil.copytree(tmp_path / "new", tmp_path / "old")
    renamed = {name.replace(".language_model", ""): tensor for name, tensor in weights.items()}
    save_file(renamed, tmp_path / "old" / "adapter_model.safetensors")
    new, old = (adapter_to_lora(base, tmp_path / age, 4)[0] for age in ("new", "old"))
    assert list(new.pairs) == [f"layers.{i}.self_attn.v_proj" for i in range(tiny.LAYERS)]
    for module, pair in new.pairs.items():
        torch.testing.assert_close(old.pairs[module].b @ old.pairs[module].a, pair.b @ pair.a)


def same(one: Path, two: Path) -> bool:
    files = sorted(path.relative_to(one) for path in one.rglob("*")) if one.is_dir() else [Path()]
    return all((one / file).is_dir() or (one / file).read_bytes() == (two / file).read_bytes() for file in files)


def edit(path: Path, **keys: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))
