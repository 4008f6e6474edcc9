"""A report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from html import escape

from videomind.evaluation.report.compare import Comparison
from videomind.evaluation.report.page_failures import failures
from videomind.evaluation.report.page_table import chip, metrics_tables
from videomind.evaluation.report.plots import Plot, plots
from videomind.evaluation.report.runs import TaskRun
from videomind.evaluation.report.strips import Strips
from videomind.evaluation.report.style import STYLE
from videomind.evaluation.report.throughput import throughput

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Nothing in the page may load or run anything, whatever a question or a file name says."""


def html_page(tasks: Sequence[Comparison], made: datetime) -> str:
    """The page: per task the metrics, the plots and the worst samples; at the end how the numbers came about."""
    strips = Strips()
    title = " and ".join(tasks[0].labels) if len(tasks[0].labels) < 3 else f"{len(tasks[0].labels)} runs"
    sections = "".join(_section(task, strips) for task in tasks)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation: {escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"<header><h1>Evaluation</h1>{_summary(tasks, made)}</header>{sections}{_footer(tasks, made)}"
        "</main></body></html>\n"
    )


def _summary(tasks: Sequence[Comparison], made: datetime) -> str:
    runs = "".join(f"<li>{chip(number)}{_run(tasks, number)}</li>" for number in range(len(tasks[0].labels)))
    names = ", ".join(task.title for task in tasks)
    return f'<p class="soft">{escape(names)} · {made:%Y-%m-%d}</p><ul class="plain">{runs}</ul>'


def _run(tasks: Sequence[Comparison], number: int) -> str:
    """Name, model and engine of a run."""
    results = next(run.results for task in tasks if (run := task.runs[number]) is not None)
    return (
        f"<b>{escape(tasks[0].labels[number])}</b> "
        f'<span class="soft">model {escape(results.model.name)}, {escape(results.engine)}</span>'
    )


def _section(task: Comparison, strips: Strips) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in task.notes)
    figures = "".join(_figure(plot) for plot in plots(task))
    times = "".join(
        f"<li>{chip(number)}{escape(label)}: {escape(throughput(run))}</li>" for number, label, run in task.present
    )
    return (
        f"<section><h2>{escape(task.title)} <span class='soft'>{escape(task.split)}</span></h2>"
        + (f'<ul class="notes">{notes}</ul>' if notes else "")
        + metrics_tables(task)
        + f'<ul class="plain soft">{times}</ul>'
        + (f'<h3>Where it holds and where it fails</h3><div class="plots">{figures}</div>' if figures else "")
        + failures(task, strips)
        + "</section>"
    )


def _figure(plot: Plot) -> str:
    picture = f'<img alt="{escape(plot.title)}" src="{plot.picture}">'
    return f"<figure><b>{escape(plot.title)}</b>{picture}<figcaption>{escape(plot.caption)}</figcaption></figure>"


def _footer(tasks: Sequence[Comparison], made: datetime) -> str:
    known = [(number, label, run, task) for task in tasks for number, label, run in task.present]
    parts = "".join(
        f"<details><summary>{chip(number)}{escape(label)}, {escape(task.title)}</summary>{_origin(run)}</details>"
        for number, label, run, task in known
    )
    return f"<footer><h3>How these numbers came about</h3>{parts}<p>Report made {made:%Y-%m-%d %H:%M %Z}.</p></footer>"


def _origin(run: TaskRun) -> str:
    results = run.results
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    facts = (
        f"model {results.model.name} (sha256 {results.model.sha256})",
        f"annotations {results.annotations.name} (sha256 {results.annotations.sha256}), split {results.split}",
        f"engine {results.engine}; Python {results.python}; {results.platform}",
        versions,
        f"{results.started:%Y-%m-%d %H:%M} to {results.finished:%Y-%m-%d %H:%M %Z}",
    )
    told = "<br>".join(escape(fact) for fact in facts if fact)
    return f"<p>{told}</p><pre>{escape(shlex.join(results.command))}</pre>"
