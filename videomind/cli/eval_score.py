"""`videomind eval score`: what predictions are worth, without any model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from videomind.cli.options import AsJson
from videomind.cli.outputs import json_text
from videomind.cli.terminal import printable, progress_console

if TYPE_CHECKING:
    from videomind.evaluation.scoring.score import Scores
    from videomind.evaluation.tasks.base import Task

COMPLETE = ("qvhighlights", "rextime")
"""Tasks whose official evaluation takes only files that have every sample and no other."""

TaskName = Annotated[str, typer.Option("--task", help="The benchmark (see docs/evaluation.md).", metavar="NAME")]
Split = Annotated[str | None, typer.Option(help="Split of the annotations. Default: the one with ground truth.")]


def score(
    task_name: TaskName,
    annotations: Annotated[
        Path, typer.Option(help="The benchmark's annotations: the file, or a folder that holds it.", metavar="PATH")
    ],
    predictions: Annotated[
        Path,
        typer.Option(
            help="A run's folder or predictions.jsonl; VideoMind's outputs; a submission of the benchmark.",
            metavar="PATH",
        ),
    ],
    split: Split = None,
    as_json: AsJson = False,
) -> None:
    """Score predictions again, in each of the ways their benchmark is scored."""
    from videomind.evaluation.data import load_samples
    from videomind.evaluation.predictions import read_predictions
    from videomind.evaluation.scoring.score import score as score_all
    from videomind.evaluation.tasks import task as task_of

    task = task_of(task_name)
    with progress_console().status("scoring"):
        samples = load_samples(task, annotations, annotations, split)
        scores = score_all(task.variants, samples, read_predictions(predictions, samples))
    if as_json or not sys.stdout.isatty():
        print(json_text(scores.to_json()))
        return
    console = Console(highlight=False)
    console.print(scores_table(task, split or task.split, scores))
    for note in notes(task, scores):
        console.print(Text(f"  note: {printable(note)}", style="yellow"))


def scores_table(task: Task, split: str, scores: Scores) -> Table:
    """A metric per row, a way of scoring per column; the intervals are those of the last."""
    from videomind.evaluation.report.values import decimals, printed, printed_interval

    counts = f"n {scores.n}   missing {scores.missing}   failed {scores.failed}   unparsed {scores.unparsed}"
    title = Text(f"{task.title}, {split}\n{counts}")
    table = Table(box=SIMPLE, title=title, title_justify="left", header_style="dim")
    table.add_column("metric")
    for name in scores.variants:
        table.add_column(name, justify="right")
    table.add_column("95 %", justify="right", style="dim")
    intervals = scores.variants[task.variants[-1].name].intervals
    for metric in dict.fromkeys(name for measured in scores.variants.values() for name in measured.metrics):
        values = [
            printed(measured.metrics.get(metric), decimals(task.name, variant, metric))
            for variant, measured in scores.variants.items()
        ]
        interval = intervals.get(metric)
        table.add_row(metric, *values, "" if interval is None else printed_interval(interval, 2))
    return table


def notes(task: Task, scores: Scores) -> Iterator[str]:
    """What one has to know about these numbers."""
    if task.name in COMPLETE and (scores.missing or scores.unknown or scores.failed):
        yield (
            "the official evaluation takes only files that have every sample and no other; "
            "its numbers here are of the samples that have a prediction"
        )
    if scores.unknown:
        yield f"{scores.unknown} predictions are of samples that these annotations do not have"
    if scores.missing == scores.n:
        yield "no sample has a prediction: do predictions and annotations belong together?"
