"""Model folders: what is written is read back; what is wrong is named in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests import tiny
from videomind.errors import BundleError
from videomind.lora_switch.adapter import read_adapter, write_adapter
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.identity import base_identity


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "model"))


def edit(path: Path, **keys: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


def test_roles_come_back_as_they_were_written(tiny_bundle: Path) -> None:
    bundle = load_bundle(tiny_bundle)
    assert list(bundle.roles) == ["planner", "grounder", "verifier", "answerer"]
    assert bundle.roles["verifier"].spec == tiny.spec("verifier")
    assert bundle.roles["answerer"].adapter is None
    grounder = bundle.roles["grounder"].adapter
    assert grounder is not None
    expected = tiny.random_adapter(tiny.RANKS["grounder"], seed=1)
    for name, pair in expected.pairs.items():
        torch.testing.assert_close(grounder.pairs[name].a, pair.a)
        assert grounder.pairs[name].scale == pytest.approx(pair.scale)


def test_ranks_may_differ_between_modules(tmp_path: Path) -> None:
    adapter = tiny.random_adapter(4)
    name = "layers.1.self_attn.v_proj"
    adapter.pairs[name] = tiny.random_adapter(2, seed=3).pairs[name]
    write_adapter(tmp_path, adapter)
    again = read_adapter(tmp_path)
    assert again.pairs.keys() == adapter.pairs.keys()
    assert again.pairs[name].a.shape[0] == 2
    assert all(again.pairs[n].scale == pytest.approx(pair.scale) for n, pair in adapter.pairs.items())


def test_rslora_scales_by_the_root_of_the_rank(tmp_path: Path) -> None:
    write_adapter(tmp_path, tiny.random_adapter(4))
    edit(tmp_path / "adapter_config.json", use_rslora=True, lora_alpha=6)
    assert read_adapter(tmp_path).pairs["layers.0.self_attn.q_proj"].scale == pytest.approx(6 / 4**0.5)


def no_manifest(model: Path) -> None:
    (model / "videomind.json").unlink()


def newer_format(model: Path) -> None:
    edit(model / "videomind.json", format=2)


def unknown_role(model: Path) -> None:
    edit(model / "videomind.json", roles=["planner", "critic"])


def missing_role(model: Path) -> None:
    shutil.rmtree(model / "planner")


def malformed_role(model: Path) -> None:
    (model / "planner" / "role.json").write_text("{")


def role_out_of_range(model: Path) -> None:
    view = json.loads((model / "planner" / "role.json").read_text())["view"]
    edit(model / "planner" / "role.json", view=view | {"fps": -1})


def missing_base(model: Path) -> None:
    shutil.rmtree(model / "base")


def other_base(model: Path) -> None:
    edit(model / "videomind.json", base_identity=base_identity(model / "base"))
    weights = load_file(model / "base" / "model.safetensors")
    save_file({name: weight + 1 for name, weight in weights.items()}, model / "base" / "model.safetensors")


def missing_decoder(model: Path) -> None:
    (model / "grounder" / "timestamp_decoder.safetensors").unlink()


def pickled_weights(model: Path) -> None:
    path = model / "planner" / "adapter_model.safetensors"
    torch.save({}, path)


def dora(model: Path) -> None:
    edit(model / "planner" / "adapter_config.json", use_dora=True)


def wrong_rank(model: Path) -> None:
    edit(model / "planner" / "adapter_config.json", r=5)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (no_manifest, "videomind convert"),
        (newer_format, "format 2"),
        (unknown_role, "critic"),
        (missing_role, "planner/role.json"),
        (malformed_role, "not valid JSON"),
        (role_out_of_range, "fps"),
        (missing_base, "--base DIR"),
        (other_base, "another base"),
        (missing_decoder, "timestamp_decoder"),
        (pickled_weights, "no readable safetensors"),
        (dora, "magnitude"),
        (wrong_rank, "rank 5"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(bundle: Path, damage: Callable[[Path], None], says: str) -> None:
    damage(bundle)
    with pytest.raises(BundleError, match=says) as caught:
        load_bundle(bundle)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model folder at"):
        load_bundle(tmp_path / "nothing")


def test_identity_follows_the_weights_not_the_place(tiny_bundle: Path, bundle: Path) -> None:
    assert base_identity(bundle / "base") == base_identity(tiny_bundle / "base")
    tiny.write_base(bundle / "base", seed=5)
    assert base_identity(bundle / "base") != base_identity(tiny_bundle / "base")
