"""`videomind synth`: what it writes, says and refuses."""

from pathlib import Path

import pytest

from tests.cli.conftest import Videomind


def test_a_data_set_is_written_and_the_next_step_named(videomind: Videomind, tmp_path: Path) -> None:
    out = tmp_path / "set"
    args = ("synth", out, "--videos", "2", "--seed", "3", "--size", "56", "--workers", "1")
    code, stdout, stderr = videomind(*args)
    assert code == 0
    assert {path.name for path in out.glob("*.jsonl")} == {
        "grounding.jsonl",
        "verifying.jsonl",
        "planning.jsonl",
        "answering.jsonl",
    }
    assert stdout.startswith(f"{out}: 2 videos; grounding.jsonl ")
    assert f"videomind train grounder --data {out / 'grounding.jsonl'} --out my-model" in stdout
    assert "2/2" in stderr
    again = videomind(*args)
    assert (again[0], again[1]) == (0, stdout)


@pytest.mark.parametrize(
    ("options", "problem"),
    [(["--size", "57"], "take 58"), (["--videos", "0"], "--videos"), (["--seed", "-1"], "--seed")],
)
def test_what_cannot_be_made_is_refused(videomind: Videomind, tmp_path: Path, options: list[str], problem: str) -> None:
    code, stdout, stderr = videomind("synth", tmp_path / "set", *options)
    assert (code, stdout) == (2, "")
    assert problem in stderr
    assert not (tmp_path / "set").exists()


def test_a_folder_of_something_else_is_refused(videomind: Videomind, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    code, _, stderr = videomind("synth", tmp_path, "--videos", "1")
    assert code == 2
    assert stderr.startswith(f"error: {tmp_path} holds something that is no synthetic data set")
