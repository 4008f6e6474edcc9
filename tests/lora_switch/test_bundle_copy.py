"""A copy of a model folder is a model by itself, whatever way its base was named."""

import shutil
from pathlib import Path

import pytest

from videomind.lora_switch.bundle import load_bundle, open_bundle
from videomind.lora_switch.bundle_copy import copy_bundle


@pytest.fixture
def model(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "model"))


def test_other_adapters_take_the_place_of_some(model: Path, tmp_path: Path) -> None:
    before = load_bundle(model)
    verifying = before.roles["verifier"].adapter
    assert verifying is not None
    copy_bundle(model, tmp_path / "copy", before.manifest, before.base, {"grounder": verifying})
    weights = {
        (folder.name, role): (folder / role / "adapter_model.safetensors").read_bytes()
        for folder in (model, tmp_path / "copy")
        for role in ("planner", "grounder", "verifier")
    }
    assert weights["copy", "grounder"] != weights["model", "grounder"]
    assert weights["copy", "planner"] == weights["model", "planner"]
    assert load_bundle(tmp_path / "copy").manifest == before.manifest


def test_a_base_that_was_named_from_the_working_directory_is_still_found(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(model / "base", tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    manifest, base = open_bundle(Path("model"), Path("base"))
    (tmp_path / "deep").mkdir()
    copy = copy_bundle(Path("model"), Path("deep/copy"), manifest, base)
    assert load_bundle(copy).base == load_bundle(copy).processor == tmp_path / "base"


def test_what_an_earlier_attempt_left_is_not_part_of_it(model: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.partial").mkdir()
    (tmp_path / "copy.partial" / "left.txt").touch()
    (tmp_path / "copy").mkdir()
    copy_bundle(model, tmp_path / "copy", *open_bundle(model))
    assert {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*")} == {
        path.relative_to(model) for path in model.rglob("*")
    }
    assert not (tmp_path / "copy.partial").exists()
