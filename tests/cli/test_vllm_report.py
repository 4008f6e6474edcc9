"""What `videomind doctor` says about vLLM."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Videomind
from videomind.cli import vllm_report
from videomind.cli.vllm_report import build_of, describe_vllm, vllm_text
from videomind.lora_switch.vllm_plugin import versions


@pytest.fixture(autouse=True)
def no_companions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_report, "COMPANIONS", ())


def pretend(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    monkeypatch.setattr(versions, "installed", lambda: version)


@pytest.mark.parametrize(
    ("version", "is_cpu_distribution", "build"),
    [
        ("0.32.0", True, "CPU"),
        ("0.32.0+cpu", False, "CPU"),
        ("0.32.0", False, "CUDA"),
        ("0.32.0+cu129", False, "CUDA"),
        ("0.32.0+rocm700", False, "ROCm"),
    ],
)
def test_the_build_is_told(version: str, is_cpu_distribution: bool, build: str) -> None:
    assert build_of(version, is_cpu_distribution) == build


def test_without_vllm_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, None)
    report = describe_vllm()
    assert report == {"version": None, "build": None, "supported": False, "problems": []}
    assert vllm_text(report).startswith("not installed: pip install")


def test_a_release_that_is_not_known_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "9.1.0")
    report = describe_vllm()
    assert not report["supported"]
    assert "vLLM 9.1.0 is not supported, 0.26 to" in report["problems"][0]
    assert "not supported" in vllm_text(report)


def test_packages_that_do_not_load_are_to_be_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, code in (("visionish", "raise RuntimeError('operator nms does not exist')"), ("audioish", "")):
        (tmp_path / f"{name}.py").write_text(code)
        (tmp_path / f"{name}-1.0.dist-info").mkdir()
        (tmp_path / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(vllm_report, "COMPANIONS", ("visionish", "audioish", "absent-package"))
    pretend(monkeypatch, "0.32.0+cpu")
    assert describe_vllm()["problems"] == ["visionish cannot be imported: pip uninstall -y visionish"]


def test_a_problem_with_vllm_is_exit_code_1(
    videomind: Videomind, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, "9.1.0")
    code, stdout, _ = videomind("doctor", "--model", tiny_bundle, "--device", "cpu")
    report = json.loads(stdout)
    assert (code, report["vllm"]["version"], report["model"]["engine"]) == (1, "9.1.0", "torch")
