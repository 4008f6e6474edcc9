"""What a run left, as a report reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.evaluation.report.made_up import line, lines, result, results, write_run
from videomind.errors import DataError
from videomind.evaluation.report.row import Row, row_of
from videomind.evaluation.report.runs import read_runs


def test_a_run_is_read_from_its_output_or_from_the_folder_of_a_task(run: Path, videos: Path) -> None:
    (whole,) = read_runs([run])
    (one,) = read_runs([run / "jsonl"])
    assert whole == one
    assert whole.label == "first"
    assert [row.id for row in whole.tasks["jsonl"].rows] == ["good", "bad", "verified", "wrong", "unread", "failed"]
    assert whole.tasks["jsonl"].videos == videos
    assert whole.tasks["jsonl"].results.n == 6


def test_a_row_knows_what_was_right() -> None:
    good, bad, verified, wrong, unread, failed = map(row_of, lines())
    assert (good.iou, good.right, good.iou_unverified) == (1.0, None, None)
    assert bad.iou == pytest.approx(1 / 6)  # with the second true moment; the first it does not meet
    assert (verified.iou_unverified, verified.iou) == (0.0, 1.0)
    assert (wrong.iou, wrong.right, wrong.option) == (1.0, False, "A")
    assert (unread.iou, unread.right, unread.reply) == (None, False, "hard to say")
    assert (failed.iou, failed.error) == (0.0, "the video <cannot> be decoded")
    assert (good.prompt_tokens, good.cached_tokens, good.views, good.views_saved) == (200, 60, 2, 1)


def test_a_reversed_span_overlaps_nothing() -> None:
    assert Row("a", "a.mp4", "a dog", truth=((0.0, 5.0),), best=(4.0, 1.0)).iou == 0.0


def test_the_confidence_is_the_calibrated_one_where_there_is_one() -> None:
    said = line("a", "a.mp4", "a dog", result([(0.0, 1.0)]))
    assert (row_of(said).confidence, row_of(said).calibrated) == (0.9, False)
    said["result"]["candidates"][0]["probability"] = 0.25
    assert (row_of(said).confidence, row_of(said).calibrated) == (0.25, True)


def test_the_last_try_counts_and_a_cut_line_is_counted(tmp_path: Path, videos: Path) -> None:
    again = line("failed", "beach.mp4", "the end", result([(9.0, 12.0)]), spans=[[9.0, 12.0]])
    out = write_run(tmp_path / "out", videos, [*lines(), again])
    with (out / "jsonl" / "predictions.jsonl").open("a") as file:
        file.write('\n[1]\n{"id": "cut", "vid')
    task = read_runs([out])[0].tasks["jsonl"]
    assert len(task.rows) == 6
    assert task.rows[-1].iou == 1.0
    assert task.unreadable == 2


def test_runs_of_one_name_are_told_apart(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "elsewhere" / "first")
    assert [one.label for one in read_runs([run, copy, run])] == ["first (1)", "first (2)", "first (3)"]


def test_several_tasks_of_one_run(tmp_path: Path, videos: Path) -> None:
    out = write_run(tmp_path / "out", videos)
    shutil.copytree(write_run(tmp_path / "b", videos, found=results("tacos")) / "tacos", out / "tacos")
    assert sorted(read_runs([out])[0].tasks) == ["jsonl", "tacos"]


def test_without_run_json_the_videos_are_not_known(run: Path) -> None:
    (run / "run.json").unlink()
    assert read_runs([run])[0].tasks["jsonl"].videos is None


def test_a_folder_without_results_is_an_error(tmp_path: Path, run: Path) -> None:
    with pytest.raises(DataError, match="holds no finished task"):
        read_runs([tmp_path])
    (run / "jsonl" / "predictions.jsonl").unlink()
    with pytest.raises(DataError, match="it belongs beside"):
        read_runs([run])
