"""`videomind eval report`."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.conftest import Videomind
from tests.evaluation.report.made_up import results, write_run, write_videos
from videomind.cli.eval_report import comparison_table
from videomind.evaluation.report.compare import compare
from videomind.evaluation.report.runs import read_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    videos = write_videos(folder / "videos")
    first = results("charades_sta", title="Charades-STA", split="test")
    second = first.model_copy(update={"variants": {"videomind": {"mIoU": 50.25}}, "n": 5})
    return write_run(folder / "small", videos, found=first), write_run(folder / "large", videos, found=second)


def test_where_stdout_is_no_terminal_it_is_json(videomind: Videomind, runs: tuple[Path, Path]) -> None:
    code, stdout, _ = videomind("eval", "report", *runs)
    task = json.loads(stdout)["tasks"]["charades_sta"]
    assert code == 0
    assert task["runs"]["small"]["variants"]["videomind"]["mIoU"] == 55.25
    assert task["runs"]["large"]["variants"]["videomind"]["mIoU"] == 50.25
    assert task["published"]["VideoMind-2B"]["mIoU"] == 45.2
    assert any("another number of samples (small: 6, large: 5)" in note for note in task["notes"])


def test_a_page_and_markdown_are_written(videomind: Videomind, runs: tuple[Path, Path], tmp_path: Path) -> None:
    page, text = tmp_path / "r.html", tmp_path / "r.md"
    code, _, stderr = videomind("eval", "report", *runs, "--html", page, "--markdown", text)
    assert code == 0
    assert f"wrote {page}" in stderr
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert "data:image/jpeg;base64," in page.read_text()
    assert text.read_text().startswith("# Evaluation")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.md"]


def test_people_see_a_table(runs: tuple[Path, Path]) -> None:
    (task,) = compare(read_runs(runs))
    console = Console(width=120, record=True, file=StringIO())
    console.print(comparison_table(task))
    rows = [line.split() for line in console.export_text().splitlines() if line.strip()]
    assert ["metric", "published", "published", "small", "large"] in rows
    assert ["mIoU", "45.20", "50.20", "55.25", "50.25", "-5.00"] in rows
    assert ["mIoU", "46.04", "–"] in rows
    assert ["20.0", "to", "71.2", "20.0", "to", "71.2"] in rows


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["none"], "holds no finished task"),
        (["RUN", "--html", "page.txt"], "must end in .html"),
        (["RUN", "--markdown", "none/page.md"], "there is no folder"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    args: list[str], problem: str, videomind: Videomind, runs: tuple[Path, Path]
) -> None:
    code, stdout, stderr = videomind("eval", "report", *(runs[0] if arg == "RUN" else arg for arg in args))
    assert (code, stdout) == (2, "")
    assert stderr.startswith("error: ")
    assert problem in " ".join(stderr.split())
