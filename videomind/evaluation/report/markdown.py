"""A report as Markdown: the tables, what to beware of, and how the numbers came about."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

from videomind.evaluation.report.compare import Comparison, Line
from videomind.evaluation.report.throughput import throughput
from videomind.evaluation.report.values import VARIANTS, printed, printed_interval


def markdown(tasks: Sequence[Comparison], made: datetime) -> str:
    """One section per task; a later run's numbers are followed by their difference from the first run's."""
    return "\n".join(
        [
            "# Evaluation",
            "",
            *(line for task in tasks for line in _section(task)),
            "## How these numbers came about",
            "",
            *(line for task in tasks for line in _origins(task)),
            "",
            f"Report made {made:%Y-%m-%d %H:%M %Z}.",
            "",
        ]
    )


def _section(task: Comparison) -> list[str]:
    published = [f"{_text(model)} (published, {_text(task.published_split)})" for model in task.models]
    headings = ["metric", "variant", *published, *(_text(label) for label in task.labels)]
    return [
        f"## {_text(task.title)}, {_text(task.split)}",
        "",
        *(f"> {_text(note)}" + "\\" for note in task.notes[:-1]),
        *(f"> {_text(note)}" for note in task.notes[-1:]),
        *([""] if task.notes else []),
        _row(headings),
        _row(["---", "---", *["---:"] * (len(headings) - 2)]),
        *(_row(_cells(line)) for line in task.main),
        "",
        *(f"- {_text(label)}: {throughput(run)}" for _, label, run in task.present),
        "",
        *_variants(task),
        "",
    ]


def _cells(line: Line) -> list[str]:
    published = [printed(value, line.places) if line.comparable else "" for value in line.published]
    return [_text(line.name), line.variant, *published, *(_cell(line, run) for run in range(len(line.values)))]


def _cell(line: Line, run: int) -> str:
    cell = printed(line.values[run], line.places)
    difference, interval = line.difference(run), line.intervals[run]
    if difference is not None:
        cell += f" ({difference:+.{line.places}f})"
    return cell if interval is None else f"{cell} [{printed_interval(interval, line.places)}]"


def _variants(task: Comparison) -> list[str]:
    names = dict.fromkeys(line.variant for line in task.main)
    told = "; ".join(f"*{name}*: {VARIANTS[name]}" for name in names if name in VARIANTS)
    return [f"{told}. In brackets: 95 % intervals."] if told else []


def _origins(task: Comparison) -> list[str]:
    return [
        f"- {_text(label)}, {_text(task.title)}: model {_text(run.results.model.name)} "
        f"(sha256 {run.results.model.sha256[:16]}), annotations {_text(run.results.annotations.name)} "
        f"(sha256 {run.results.annotations.sha256[:16]}), engine {_text(run.results.engine)}; "
        f"`{shlex.join(run.results.command).replace('`', ' ')}`"
        for _, label, run in task.present
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Text in which nothing is taken for Markdown or HTML, on one line."""
    folded = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in folded)
