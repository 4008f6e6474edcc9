"""`videomind adapters compress` and `expand`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from rich.console import Console

from tests import tiny
from tests.cli.conftest import Videomind
from tests.cli.test_errors import assert_refused
from videomind.cli.adapters_compress import report_table
from videomind.lora_switch.adapter import read_adapter, write_adapter
from videomind.lora_switch.bundle import load_bundle

COUNT, RANK = 3, 2
ALL = str(COUNT * RANK)
"""The rank at which nothing is lost."""


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "adapters" / name for name in ("red", "green", "blue")]
    for seed, folder in enumerate(made):
        write_adapter(folder, tiny.random_adapter(RANK, seed=seed))
    return made


def test_ranks_are_compared_and_nothing_is_written(videomind: Videomind, folders: list[Path], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, stdout, stderr = videomind("adapters", "compress", *folders, "--ranks", f"2,4,{ALL}")
    report = json.loads(stdout)
    assert code == 0
    assert (report["adapters"], report["written"]) == (COUNT, None)
    assert [row["rank"] for row in report["ranks"]] == [2, 4, int(ALL)]
    errors = [row["mean_error"] for row in report["ranks"]]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.3
    assert errors[-1] < 1e-6
    for row in report["ranks"]:
        assert row["worst_error"] == max(row["errors"].values()) >= row["mean_error"]
        assert row["ratio"] == report["bytes"] / row["bytes"]
        assert set(row["errors"]) == {"red", "green", "blue"}
    assert "rank 4" in stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_an_expanded_adapter_is_served_in_place_of_the_original(
    videomind: Videomind, folders: list[Path], tiny_bundle: Path, grey_video: Path, tmp_path: Path
) -> None:
    packed, out = tmp_path / "packed", tmp_path / "out"
    code, stdout, _ = videomind("adapters", "compress", *folders, "--rank", ALL, "--out", packed)
    assert (code, json.loads(stdout)["written"]) == (0, str(packed))
    assert videomind("adapters", "expand", packed, "green", out) == (0, f"{out}\n", "")
    expected, found = (read_adapter(folder).pairs for folder in (folders[1], out))
    for module, pair in expected.items():
        change = found[module].scale * found[module].b @ found[module].a
        torch.testing.assert_close(change, pair.scale * pair.b @ pair.a, atol=1e-5, rtol=1e-4)
    model = Path(shutil.copytree(tiny_bundle, tmp_path / "model"))
    for file in out.iterdir():
        shutil.copy(file, model / "planner" / file.name)
    assert load_bundle(model).roles["planner"].adapter is not None
    assert videomind("find", grey_video, "a dog", "--model", model)[0] in (0, 1)


def test_folders_of_one_name_are_told_apart(videomind: Videomind, folders: list[Path], tmp_path: Path) -> None:
    other = Path(shutil.copytree(folders[0], tmp_path / "others" / "red"))
    refused = videomind("adapters", "compress", folders[0], other, "--ranks", "2")
    assert_refused(refused, f"{folders[0]} and {other} are both called red: tell them apart with NAME=FOLDER")
    assert_refused(videomind("adapters", "compress", folders[0], f"Red={other}", "--ranks", "2"), "are both called")
    code, stdout, _ = videomind("adapters", "compress", folders[0], f"rouge={other}", "--ranks", "2")
    assert (code, set(json.loads(stdout)["ranks"][0]["errors"])) == (0, {"red", "rouge"})


def test_what_does_not_belong_together(videomind: Videomind, folders: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    for options in (
        [],
        ["--rank", "2"],
        ["--out", out],
        ["--rank", "2", "--ranks", "2"],
        ["--ranks", "2", "--out", out],
    ):
        assert_refused(videomind("adapters", "compress", *folders, *options), "give --rank R and --out DIR")
    assert_refused(videomind("adapters", "compress", *folders, "--ranks", "2,much"), "--ranks '2,much'")
    assert_refused(videomind("adapters", "compress", *folders, "--ranks", "2,7"), f"at rank {ALL} nothing is lost")
    assert_refused(videomind("adapters", "compress", *folders, "--ranks", "0"), "from 1")
    assert_refused(videomind("adapters", "compress", folders[0], "--ranks", "2"), "one adapter alone")
    assert_refused(videomind("adapters", "compress", *folders, tmp_path / "none", "--ranks", "2"), "missing file")
    assert_refused(videomind("adapters", "compress", *folders, "--rank", "2", "--out", folders[0]), "is not empty")
    assert_refused(videomind("adapters", "expand", tmp_path, "red", out), "is no compressed set")
    assert_refused(videomind("adapters", "expand", tmp_path, "red", folders[0]), "is not empty")
    assert not out.exists()


def test_the_table_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"rank": 16, "bytes": 204_800, "ratio": 2.0, "mean_error": 0.2102, "worst_error": 0.2262}
    report = {"adapters": 5, "bytes": 409_600, "ranks": [row], "written": "sets/[bold]x"}
    Console(width=80).print(report_table(report))
    words = capsys.readouterr().out.split()
    assert words[:4] == ["5", "adapters,", "409.6", "kB"]
    assert words[-8:] == ["204.8", "kB", "2.00×", "21.0%", "22.6%", "written", "to", "sets/[bold]x"]
