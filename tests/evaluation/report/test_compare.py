"""Runs side by side: which numbers stand beside which, and what to beware of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.report.made_up import results, write_run
from videomind.evaluation.published import PUBLISHED
from videomind.evaluation.report.compare import Comparison, Line, compare
from videomind.evaluation.report.runs import read_runs
from videomind.evaluation.results_file import Digest, Results


def compared(tmp_path: Path, videos: Path, *found: Results) -> Comparison:
    folders = [write_run(tmp_path / f"run{place}", videos, found=one) for place, one in enumerate(found)]
    (task,) = compare(read_runs(folders))
    return task


def line(task: Comparison, variant: str, name: str) -> Line:
    return next(one for one in task.lines if (one.variant, one.name) == (variant, name))


def test_a_later_run_is_measured_by_the_first(tmp_path: Path, videos: Path) -> None:
    better = results(variants={"fixed": {"mIoU": 50.0, "new": 1.0}})
    task = compared(tmp_path, videos, results(), better)
    iou = line(task, "fixed", "mIoU")
    assert iou.values == (46.041666, 50.0)
    assert iou.difference(0) is None
    assert iou.difference(1) == pytest.approx(3.958334)
    assert iou.intervals == ((20.0, 71.25), (20.0, 71.25))
    assert line(task, "videomind", "mIoU").values == (55.25, None)
    assert line(task, "videomind", "mIoU").difference(1) is None
    assert line(task, "fixed", "new").values == (None, 1.0)


def test_published_numbers_stand_where_they_were_computed_the_same_way(tmp_path: Path, videos: Path) -> None:
    task = compared(tmp_path, videos, results("charades_sta", split="test"))
    assert task.models == ("VideoMind-2B", "VideoMind-7B")
    known = PUBLISHED["charades_sta"].rows
    assert line(task, "videomind", "mIoU").published == tuple(row["mIoU"] for row in known.values())
    assert line(task, "fixed", "mIoU").published == (None, None)
    assert not line(task, "fixed", "mIoU").comparable
    assert not any("published" in note for note in task.notes)


def test_published_numbers_of_tasks(tmp_path: Path, videos: Path) -> None:
    groups = {"videomind": {"task": {"Action Count": {"Acc": 40.0}}}, "fixed": {"place": {"sea": {"mIoU": 1.0}}}}
    task = compared(tmp_path, videos, results("mvbench", groups=groups))
    by_task, by_place = task.breakdowns
    assert (by_task.kind, by_task.metric, by_task.variant) == ("task", "Acc", "videomind")
    assert by_task.lines[0].published == (53.0, 39.0)
    assert (by_place.kind, by_place.metric, by_place.lines[0].values) == ("place", "mIoU", (1.0,))


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"n": 5}, "another number of samples (run0: 6, run1: 5)"),
        ({"split": "val"}, "another split (run0: test, run1: val)"),
        (
            {"annotations": Digest(name="b", sha256="c" * 64)},
            "another annotations (run0: bbbbbbbbbbbb, run1: cccccccccccc)",
        ),
        ({"limit": 6}, "run1: only the first 6 samples"),
        ({"missing": 2}, "run1: 2 of 6 samples have no prediction"),
        ({"split": "val"}, "run1 is on val, the published numbers are on test"),
    ],
)
def test_what_is_not_comparable_is_said(change: dict[str, object], note: str, tmp_path: Path, videos: Path) -> None:
    same = results("charades_sta", split="test", failed=0, unparsed=0)
    assert compared(tmp_path / "same", videos, same, same).notes == ()
    task = compared(tmp_path / "other", videos, same, same.model_copy(update=change))
    assert any(note in one for one in task.notes), task.notes


def test_a_task_that_a_run_has_not_is_said(tmp_path: Path, videos: Path) -> None:
    runs = read_runs(
        [
            write_run(tmp_path / "one", videos),
            write_run(tmp_path / "other", videos, found=results("tacos", title="TACoS")),
        ]
    )
    first, second = compare(runs)
    assert (first.task, second.task) == ("jsonl", "tacos")
    assert first.notes[0] == "other has no such task"
    assert [number for number, _, _ in second.present] == [1]


def test_recall_beyond_rank_one_is_shown_only_among_all(tmp_path: Path, videos: Path) -> None:
    metrics = {"R1@0.5": 1.0, "R5@0.5": 2.0, "IoP@0.5": 3.0, "IoP R3@0.5": 4.0, "mIoP": 5.0, "mIoU": 6.0}
    task = compared(tmp_path / "a", videos, results("charades_sta", variants={"fixed": metrics}))
    assert [one.name for one in task.main] == ["R1@0.5", "mIoU"]
    asked = compared(tmp_path / "b", videos, results("nextgqa", variants={"videomind": metrics}))
    assert [one.name for one in asked.main] == ["R1@0.5", "IoP@0.5", "mIoP", "mIoU"]  # published for this task


def test_groups_are_compared_by_what_most_of_them_have(tmp_path: Path, videos: Path) -> None:
    kinds = {"when": {"mIoU": 1.0}, "why": {"mIoU": 2.0, "Acc": 3.0, "Acc@GQA": 4.0}}
    task = compared(tmp_path, videos, results(groups={"fixed": {"kind": kinds, "odd": {"a": {"R1@0.5": 1.0}}}}))
    assert [(one.kind, one.metric, [line.values for line in one.lines]) for one in task.breakdowns] == [
        ("kind", "mIoU", [(1.0,), (2.0,)])
    ]
