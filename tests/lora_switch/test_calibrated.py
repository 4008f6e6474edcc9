"""A calibration goes into the manifest of a model or of a copy, and nothing else changes."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests import finder
from videomind.errors import BundleError, InputError
from videomind.lora_switch.bundle import NANO, load_bundle
from videomind.lora_switch.calibrated import check_target, write_calibration

RULES = finder.calibration(0.97)


@pytest.fixture
def model(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "model"))


def manifest(folder: Path) -> dict[str, object]:
    data: dict[str, object] = json.loads((folder / "videomind.json").read_text())
    return data


def test_the_manifest_gets_it_and_keeps_everything_else(model: Path) -> None:
    before, files = manifest(model), sorted(model.rglob("*"))
    assert load_bundle(model).calibration is None
    assert write_calibration(load_bundle(model), RULES) == model
    assert load_bundle(model).calibration == RULES
    assert {key: value for key, value in manifest(model).items() if key != "calibration"} == {
        key: value for key, value in before.items() if key != "calibration"
    }
    assert sorted(model.rglob("*")) == files


def test_a_manifest_from_before_there_were_calibrations_still_loads(model: Path) -> None:
    data = manifest(model)
    data.pop("calibration", None)
    (model / "videomind.json").write_text(json.dumps(data))
    assert load_bundle(model).calibration is None


def test_a_failure_while_writing_leaves_the_old_manifest(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    before, bundle = (model / "videomind.json").read_bytes(), load_bundle(model)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_calibration(bundle, RULES)
    assert (model / "videomind.json").read_bytes() == before
    assert not [path for path in model.iterdir() if "partial" in path.name]


def test_a_copy_is_a_model_of_its_own_and_the_original_stays(model: Path, tmp_path: Path) -> None:
    before = (model / "videomind.json").read_bytes()
    copy = write_calibration(load_bundle(model), RULES, tmp_path / "copy")
    shutil.move(copy, tmp_path / "elsewhere")
    assert (model / "videomind.json").read_bytes() == before
    shutil.rmtree(model)
    assert load_bundle(tmp_path / "elsewhere").calibration == RULES


def test_a_copy_finds_a_base_that_is_not_part_of_the_model(model: Path, tmp_path: Path) -> None:
    shutil.move(model / "base", tmp_path / "base")
    (model / "videomind.json").write_text(json.dumps(manifest(model) | {"base": "../base"}))
    (tmp_path / "deep").mkdir()
    copy = write_calibration(load_bundle(model), RULES, tmp_path / "deep" / "copy")
    assert load_bundle(copy).base == (tmp_path / "base").resolve()
    assert not (copy / "base").exists()


def test_the_embedded_model_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"embedded model .* give --out DIR"):
        check_target(NANO, None)
    with pytest.raises(InputError, match="embedded model"):
        check_target(NANO / ".." / "nano", None)
    check_target(NANO, tmp_path / "copy")


def test_a_folder_in_use_is_not_written_to(model: Path) -> None:
    with pytest.raises(InputError, match="is not empty"):
        check_target(model, model)
    with pytest.raises(InputError, match="lies inside the model"):
        check_target(model, model / "planner" / "copy")


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [("nms_iou", 2, "calibration.nms_iou"), ("grounded", {}, "calibration.grounded.presence"), ("odd", 1, "odd")],
)
def test_a_calibration_that_makes_no_sense_is_named(model: Path, key: str, value: object, says: str) -> None:
    write_calibration(load_bundle(model), RULES)
    data = json.loads((model / "videomind.json").read_text())
    data["calibration"][key] = value
    (model / "videomind.json").write_text(json.dumps(data))
    with pytest.raises(BundleError, match=says) as caught:
        load_bundle(model)
    assert "\n" not in str(caught.value)
