"""`videomind eval score`."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.conftest import Videomind
from tests.evaluation.report.made_up import lines, write_run, write_videos
from videomind.cli.eval_score import notes, scores_table
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.score import score
from videomind.evaluation.tasks import TASKS
from videomind.evaluation.tasks.base import Task


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    """The questions of the made-up run."""
    path = tmp_path / "questions.jsonl"
    keys = ("id", "video", "question", "options", "answer", "spans")
    questions = [{key: line[key] for key in keys if line[key]} for line in lines()]
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", write_videos(tmp_path / "videos"))


def test_a_run_is_scored_again_without_a_model(videomind: Videomind, annotations: Path, run: Path) -> None:
    code, stdout, _ = videomind(
        "eval", "score", "--task", "jsonl", "--annotations", annotations, "--predictions", run / "jsonl"
    )
    found = json.loads(stdout)
    assert code == 0
    assert (found["n"], found["missing"], found["failed"], found["unparsed"], found["unknown"]) == (6, 0, 1, 1, 0)
    assert found["fixed"]["mIoU"] == pytest.approx(100 * (1 + 1 / 6 + 1 + 1 + 0) / 5)
    assert found["fixed"]["R1@0.5"] == 60.0
    assert found["fixed"]["Acc"] == 0.0
    assert found["videomind"]["R1@0.5"] == 75.0  # what failed does not count
    assert found.keys() >= {"videomind", "fixed", "groups", "intervals"}
    file = run / "jsonl" / "predictions.jsonl"
    again = videomind("eval", "score", "--task", "jsonl", "--annotations", annotations, "--predictions", file, "--json")
    assert json.loads(again[1]) == found


def test_people_see_every_way_of_scoring_beside_each_other() -> None:
    samples = [Sample(f"v_{n}", (f"v{n}",), "?", ("a", "b"), "A", ((0.0, 4.0),)) for n in range(8)]
    said = [Prediction(f"v_{n}", ((0.0, 2.0),), response="A" if n else "?") for n in range(7)]
    task = TASKS["nextgqa"]
    console = Console(width=120, record=True, file=StringIO())
    console.print(scores_table(task, "test", score(task.variants, samples, said)))
    text = console.export_text()
    rows = [line.split() for line in text.splitlines()]
    assert "n 8   missing 1   failed 0   unparsed 1" in text
    assert ["metric", "official", "videomind", "fixed", "95", "%"] in rows
    iou = next(row for row in rows if row[:1] == ["mIoU"])
    assert iou[:4] == ["mIoU", "50.00", "50.00", "43.75"]
    assert (iou[5], float(iou[4]) < 43.75 <= float(iou[6])) == ("to", True)
    assert next(row for row in rows if row[:1] == ["R5@0.7"])[1] == "–"


def test_fractions_have_four_decimals() -> None:
    samples = [Sample(f"{n}", ("v",), "?", ("a", "b"), "A") for n in range(3)]
    task = TASKS["lvbench"]
    console = Console(width=120, record=True, file=StringIO())
    console.print(
        scores_table(
            task, "test", score(task.variants, samples, [Prediction(f"{n}", response="AAB"[n]) for n in range(3)])
        )
    )
    rows = [line.split() for line in console.export_text().splitlines()]
    assert any(row[:2] == ["acc", "0.6667"] for row in rows)
    assert any(row[0] == "Acc" and "66.67" in row for row in rows if row)


def test_what_one_has_to_know_is_said() -> None:
    samples = [Sample("1", ("v",), "?", spans=((0.0, 1.0),)), Sample("2", ("v",), "?", spans=((0.0, 1.0),))]
    whole, part, foreign = ([Prediction(name, ((0.0, 1.0),)) for name in names] for names in ("12", "1", "34"))
    task = TASKS["qvhighlights"]

    def told(said: list[Prediction], task: Task = task) -> str:
        return " / ".join(notes(task, score(task.variants, samples, said)))

    assert told(whole) == ""
    assert "takes only files that have every sample" in told(part)
    assert told(part, TASKS["charades_sta"]) == ""
    assert "2 predictions are of samples that these annotations do not have" in told(foreign)
    assert "do predictions and annotations belong together?" in told(foreign)


@pytest.mark.parametrize(
    ("task", "where", "problem"),
    [
        ("none", "QUESTIONS", "no task is called 'none': choose from charades_sta"),
        ("jsonl", "missing.jsonl", "there is no file or folder missing.jsonl"),
    ],
)
def test_what_cannot_be_scored_is_one_line(
    task: str, where: str, problem: str, videomind: Videomind, annotations: Path, run: Path
) -> None:
    path = annotations if where == "QUESTIONS" else where
    code, stdout, stderr = videomind("eval", "score", "--task", task, "--annotations", path, "--predictions", run)
    assert (code, stdout) == (2, "")
    assert problem in " ".join(stderr.split())


def test_another_split_has_to_be_one_of_the_task(videomind: Videomind, annotations: Path, run: Path) -> None:
    args = ("--task", "jsonl", "--annotations", annotations, "--predictions", run / "jsonl", "--split", "val")
    code, _, stderr = videomind("eval", "score", *args)
    assert code == 2
    assert "no split 'val': choose from all" in " ".join(stderr.split())
