"""What `videomind eval run` left, read for a report: the results of each task, and its finished samples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videomind.errors import DataError
from videomind.evaluation.report.row import Row, row_of
from videomind.evaluation.results_file import RESULTS, Results, read_results

RUN, PREDICTIONS = "run.json", "predictions.jsonl"
MAX_RUN = 16 * 2**20
"""Bytes of the largest `run.json` that is read."""


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One task of a run.

    Attributes:
        results: what it scored.
        rows: its finished samples, in the order they were finished; of a sample that was tried again, the last try.
        unreadable: lines of its predictions that say nothing (one may be cut where the run was killed).
        videos: the folder of the videos, where the run says so.
    """

    results: Results
    rows: tuple[Row, ...]
    unreadable: int = 0
    videos: Path | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what it is called in the report, and its tasks by name."""

    label: str
    tasks: dict[str, TaskRun]


def read_runs(paths: Sequence[Path]) -> tuple[Run, ...]:
    """The runs of these output folders, or of folders of single tasks in them.

    Args:
        paths: OUT or OUT/<task>; two of the same name are told apart by numbers.

    Raises:
        DataError: a folder holds no finished task.
    """
    runs = [_read_run(path) for path in paths]
    labels = [run.label for run in runs]
    return tuple(
        Run(
            f"{run.label} ({labels[:place].count(run.label) + 1})" if labels.count(run.label) > 1 else run.label,
            run.tasks,
        )
        for place, run in enumerate(runs)
    )


def _read_run(path: Path) -> Run:
    if (path / RESULTS).is_file():
        label, folders = path.resolve().parent.name, [path]
    else:
        label, folders = path.resolve().name, sorted(one.parent for one in path.glob(f"*/{RESULTS}"))
    if not folders:
        raise DataError(
            f"{path} holds no finished task (no {RESULTS} in it or one folder below): give the --output "
            "of `videomind eval run`, after it has finished"
        )
    tasks = [_read_task(folder) for folder in folders]
    return Run(label, {task.results.task: task for task in tasks})


def _read_task(folder: Path) -> TaskRun:
    results = read_results(folder)
    rows: dict[str, Row] = {}
    unreadable = 0
    for line in _lines(folder / PREDICTIONS):
        try:
            row = row_of(json.loads(line))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            unreadable += 1
        else:
            rows[row.id] = row
    videos = task_settings(folder, results.task).get("videos")
    return TaskRun(results, tuple(rows.values()), unreadable, Path(videos) if isinstance(videos, str) else None)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from (line for line in file if line.strip())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; it belongs beside {RESULTS}") from None


def task_settings(folder: Path, task: str) -> dict[str, Any]:
    """What `run.json` beside the folder of a task says of it; {} where there is none or it cannot be read."""
    path = folder.resolve().parent / RUN
    try:
        if path.stat().st_size > MAX_RUN:
            return {}
        settings = json.loads(path.read_bytes())["tasks"][task]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return settings if isinstance(settings, dict) else {}
