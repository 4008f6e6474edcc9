"""`videomind train` as a person types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.training.school import VIEW, write_school
from videomind.cli.main import app


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_school(tmp_path_factory.mktemp("school"))


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings that make a run short."""
    role = "\n".join(f"{key} = {value}" for key, value in VIEW.items())
    path = tmp_path / "run.toml"
    path.write_text(f'batch_size = 2\nworkers = 0\nlog_steps = 1\ndevice = "cpu"\n[role]\n{role}\n')
    return path


def test_train_then_ask(school: Path, settings: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "my model"
    records = school / "grounding.jsonl"
    records.write_text(records.read_text() + '{"video": "0.mp4"}\n')
    command = ["train", "grounder", "--config", str(settings), "--data", str(school), "--model", str(tiny_bundle)]
    command += ["--out", str(out), "--max-steps", "2", "--rank", "2", "--eval-data", str(school)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    assert f"next: videomind ask --model '{out}'" in result.stdout
    assert "line 7 is skipped: query: this key is missing" in " ".join(result.stderr.split())
    assert "grounder 1/2: loss" in result.stderr
    assert "held out: " in result.stderr
    assert "1 skipped" in result.stderr
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert {"loss", "reply", "focal", "offset", "contrast", "decoder", "skipped"} <= lines[0].keys()
    assert 0 <= lines[-1]["eval_miou"] <= 1
    assert list((out / "tensorboard").glob("events.*"))

    asked = CliRunner().invoke(app, ["ask", "--model", str(out), str(school / "0.mp4"), "Which colour?", "--json"])
    assert asked.exit_code in (0, 1), asked.stderr
    assert json.loads(asked.stdout)["model"] == "my model"

    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0
    assert "is trained already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["grounder", "--out", "x"], "--data is missing"),
        (["grounder", "--data", "nothing.jsonl", "--out", "x"], "nothing.jsonl"),
        (["grounder", "--data", "a", "--out", "x", "--rank", "0"], "method.rank"),
        (["grounder", "--data", "a", "--out", "x", "--config", "no.toml"], "cannot read the config file no.toml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["train", *arguments])
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
