"""A run: samples of one task or several are asked, written down, asked again where they failed, and scored."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from os.path import commonpath
from pathlib import Path
from typing import Any, Protocol

from videomind.evaluation.data import Ready, check_data
from videomind.evaluation.predictions import read_predictions
from videomind.evaluation.results_file import Circumstances, Digest, digest_of, results_of, write_results
from videomind.evaluation.run import journal
from videomind.evaluation.run.batches import Asked, Batch, again, plan_batches
from videomind.evaluation.run.journal import Journal, Line
from videomind.evaluation.run.line import Manner
from videomind.evaluation.run.record import RunRecord
from videomind.evaluation.run.workers import Workers
from videomind.evaluation.sample import Sample
from videomind.evaluation.scoring.score import Scores, score
from videomind.evaluation.tasks.base import Task
from videomind.lora_switch.bundle import NANO
from videomind.model_choice import ModelChoice

ATTEMPTS = 2
"""How often a sample is asked that fails."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What is run.

    Attributes:
        tasks: the benchmarks.
        output: folder of the run; an earlier run in it goes on.
        data: the data folder.
        model: the model.
        annotations, videos: of the only task, where they are not in the data folder.
        splits: per task, where it is not the default.
        limit: samples of each task, the first ones; None = all.
        roles: those that may be called; None = all that the model has.
        subtitles: use the subtitles that a benchmark has.
        skip_missing: go on without the videos that are missing.
    """

    tasks: tuple[Task, ...]
    output: Path
    data: Path
    model: ModelChoice
    annotations: Path | None = None
    videos: Path | None = None
    splits: dict[str, str] = field(default_factory=dict)
    limit: int | None = None
    roles: frozenset[str] | None = None
    subtitles: bool = False
    skip_missing: bool = False


class Watch(Protocol):
    """Whoever shows how a run goes."""

    def status(self, text: str) -> None:
        """What is being done before the first sample."""

    def preparing(self, done: int, total: int) -> None:
        """Videos that a task makes itself."""

    def begin(self, done: Sequence[Line], total: int) -> None:
        """Samples are asked from now on; `done` of `total` were finished before."""

    def add(self, lines: Sequence[Line]) -> None:
        """A worker is ready, or more samples are finished."""


@dataclass(slots=True)
class _Clock:
    """Time spent on asking, from when the first worker is ready."""

    began: float | None = None

    def start(self) -> None:
        if self.began is None:
            self.began = time.perf_counter()

    @property
    def seconds(self) -> float:
        return 0.0 if self.began is None else time.perf_counter() - self.began


def run(settings: RunSettings, hire: Callable[[Manner], Workers], watch: Watch) -> dict[str, Scores]:
    """Run, or go on with, what is wanted; the scores of each task, which are in its `results.json` too.

    Args:
        settings: what is run.
        hire: finds workers that ask in a given manner.
        watch: is told how it goes.

    Raises:
        DataError: annotations or videos are missing or malformed.
        InputError: the output holds something else, or a run with other settings, or is being written to.
        VideoMindError: the model does not load.
    """
    started = datetime.now(UTC)
    ready = {task.name: _ready(task, settings, watch) for task in settings.tasks}
    watch.status("hashing the model")
    record = RunRecord(settings.output, _recorded(settings, ready, started))
    with ExitStack() as opened:
        journals = {name: opened.enter_context(Journal(settings.output / name / journal.NAME)) for name in ready}
        clock = _Clock()
        try:
            _ask(settings, ready, journals, hire, watch, clock)
        finally:
            seconds = record.spent(clock.seconds)
        for name, one in ready.items():
            journals[name].sort(sample.id for sample in one.samples)
    watch.status("scoring")
    return {task.name: _score(task, settings, ready[task.name], record, seconds) for task in settings.tasks}


def _ready(task: Task, settings: RunSettings, watch: Watch) -> Ready:
    if task.prepare is not None:
        task.prepare(settings.data, settings.limit, watch.preparing)
    watch.status(f"{task.title}: reading annotations, finding videos")
    return check_data(
        task,
        settings.data,
        settings.annotations,
        settings.videos,
        split=settings.splits.get(task.name),
        limit=settings.limit,
        skip_missing=settings.skip_missing,
    )


def _ask(
    settings: RunSettings,
    ready: dict[str, Ready],
    journals: dict[str, Journal],
    hire: Callable[[Manner], Workers],
    watch: Watch,
    clock: _Clock,
) -> None:
    asked = {name: _asked(name, one) for name, one in ready.items()}
    known = [line for one in journals.values() for line in one.lines.values()]
    watch.begin(known, sum(map(len, asked.values())))
    workers = hire(_manner(settings))
    done = {(name, key) for name, one in journals.items() for key in one.lines}
    first = [batch for one in asked.values() for batch in plan_batches(one, done)]
    for lines in _finished(workers, first, clock):
        new = [line for line in lines if (line["task"], line["id"]) not in done]
        _keep(new, journals, watch)
    failed = [
        one
        for name, samples in asked.items()
        for one in samples
        if _may_be_asked_again(journals[name].lines.get(one.sample.id))
    ]
    for lines in _finished(workers, again(failed), clock):
        _keep(lines, journals, watch)


def _finished(workers: Workers, batches: list[Batch], clock: _Clock) -> Iterator[list[Line]]:
    if not batches:
        return
    with closing(workers.run(batches)) as finished:  # so that workers end at once where lines cannot be kept
        for lines in finished:
            clock.start()
            yield lines


def _keep(lines: Sequence[Line], journals: dict[str, Journal], watch: Watch) -> None:
    for name in dict.fromkeys(line["task"] for line in lines):
        journals[name].append([line for line in lines if line["task"] == name])
    watch.add(lines)


def _may_be_asked_again(line: Line | None) -> bool:
    return line is not None and line["error"] is not None and line["attempt"] < ATTEMPTS


def _asked(name: str, ready: Ready) -> list[Asked]:
    root = _root(ready)
    paths = ready.found.paths
    return [
        Asked(name, sample, path, path.relative_to(root).as_posix())
        for sample in ready.samples
        if (path := paths.get(sample.id)) is not None
    ]


def _root(ready: Ready) -> Path:
    """The folder in which all videos of a task are."""
    return Path(commonpath({path.parent for path in ready.found.paths.values()}))


def _manner(settings: RunSettings) -> Manner:
    folders = {task.name: settings.data / task.subtitles for task in settings.tasks if task.subtitles is not None}
    return Manner(
        protocols={task.name: task.protocol for task in settings.tasks},
        roles=settings.roles,
        subtitles=folders if settings.subtitles else {},
    )


def _recorded(settings: RunSettings, ready: dict[str, Ready], started: datetime) -> dict[str, Any]:
    model = settings.model
    return {
        "command": sys.argv,
        "started": started.isoformat(timespec="seconds"),
        "model": digest_of(model.model or NANO).model_dump(),
        "engine": model.engine,
        "compat": model.compat,
        "dtype": model.dtype,
        "roles": None if settings.roles is None else sorted(settings.roles),
        "limit": settings.limit,
        "subtitles": settings.subtitles,
        "data": str(settings.data.absolute()),
        "tasks": {
            task.name: {
                "split": settings.splits.get(task.name, task.split),
                "annotations": str((settings.annotations or settings.data).absolute()),
                "annotations_sha256": _hash(ready[task.name].samples),
                "protocol": asdict(task.protocol),
                "videos": str(_root(ready[task.name])),
            }
            for task in settings.tasks
        },
    }


def _hash(samples: Sequence[Sample]) -> str:
    """SHA-256 of what was read from the annotations, whichever files that was in."""
    return hashlib.sha256(json.dumps([asdict(sample) for sample in samples], sort_keys=True).encode()).hexdigest()


def _score(task: Task, settings: RunSettings, ready: Ready, record: RunRecord, seconds: float) -> Scores:
    folder = settings.output / task.name
    scores = score(task.variants, ready.samples, read_predictions(folder / journal.NAME, ready.samples))
    known = record.content["tasks"][task.name]
    how = Circumstances(
        model=Digest.model_validate(record.content["model"]),
        annotations=Digest(name=f"{task.name} {known['split']}", sha256=known["annotations_sha256"]),
        engine=settings.model.engine,
        command=record.content["command"],
        started=datetime.fromisoformat(record.content["started"]),
        finished=datetime.now(UTC),
        seconds=seconds,
        limit=settings.limit,
    )
    write_results(results_of(task, known["split"], scores, how), folder)
    return scores
