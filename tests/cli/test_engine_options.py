"""`--engine`, `--engine-config` and `--answerer`: what is wrong is said before anything slow happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny
from tests.cli.conftest import Videomind
from tests.cli.test_errors import assert_refused
from videomind.lora_switch.adapter import write_adapter
from videomind.lora_switch.vllm_plugin import versions

COMMANDS = (
    ["ask", "VIDEO", "What?"],
    ["find", "VIDEO", "a dog"],
    ["demo", "OUT"],
    ["doctor"],
)


@pytest.fixture(params=COMMANDS, ids=lambda command: command[0])
def command(request: pytest.FixtureRequest, grey_video: Path, tiny_bundle: Path, tmp_path: Path) -> list[str]:
    """A command that runs a model, complete but for the engine."""
    places = {"VIDEO": str(grey_video), "OUT": str(tmp_path / "out")}
    return [*(places.get(arg, arg) for arg in request.param), "--model", str(tiny_bundle)]


def refused(outcome: tuple[int, str, str], problem: str) -> None:
    """Like `assert_refused`, after what a command may say of its progress."""
    code, stdout, stderr = outcome
    assert_refused((code, "", stderr.splitlines(keepends=True)[-1]), problem)
    assert "{" not in stdout


def test_options_of_another_engine_are_refused(videomind: Videomind, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("max_num_seqs = 4")
    refused(videomind(*command, "--engine-config", tmp_path / "x.toml"), "max_num_seqs: Extra inputs are not permitted")


def test_an_engine_that_is_not_installed(
    videomind: Videomind, grey_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "installed", lambda: None)
    outcome = videomind("ask", grey_video, "What?", "--engine", "vllm")
    refused(outcome, "vLLM is not installed: pip install")
    assert "starting vLLM" in outcome[2]


def test_an_engine_of_an_unknown_release(
    videomind: Videomind, grey_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "installed", lambda: "9.1.0")
    refused(
        videomind("ask", grey_video, "What?", "--engine", "vllm"), "vLLM 9.1.0 is installed; the plug-in knows 0.26 to"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("max_num_seqs = 0", "max_num_seqs: Input should be greater than or equal to 1"),
        ("colour = 'red'", "colour: Extra inputs are not permitted (known: adapter"),
        ("= nonsense", "is no TOML"),
        ("kv_cache_memory = 'much'", "kv_cache_memory"),
    ],
)
def test_options_that_cannot_be_used(
    videomind: Videomind, grey_video: Path, tmp_path: Path, text: str, problem: str
) -> None:
    config = tmp_path / "engine.toml"
    config.write_text(text)
    refused(videomind("ask", grey_video, "What?", "--engine", "vllm", "--engine-config", config), problem)
    refused(videomind("ask", grey_video, "What?", "--engine", "vllm", "--engine-config", tmp_path), "cannot read")


def test_an_engine_that_does_not_exist(videomind: Videomind, command: list[str]) -> None:
    code, _, stderr = videomind(*command, "--engine", "steam")
    assert code == 2
    assert "torch" in stderr
    assert "vllm" in stderr


def test_only_vllm_takes_another_answerer(videomind: Videomind, grey_video: Path, tmp_path: Path) -> None:
    write_adapter(tmp_path, tiny.random_adapter(rank=4))
    outcome = videomind("ask", grey_video, "What?", "--answerer", tmp_path)
    assert_refused(outcome, "only the vLLM engine takes another answerer: say --engine vllm too")


def test_an_answerer_is_looked_at_before_the_engine_starts(
    videomind: Videomind, grey_video: Path, tmp_path: Path
) -> None:
    outcome = videomind("ask", grey_video, "What?", "--answerer", tmp_path, "--engine", "vllm")
    assert_refused(outcome, f"missing file: {tmp_path / 'adapter_config.json'}")
