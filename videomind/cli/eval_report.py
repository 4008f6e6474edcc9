"""`videomind eval report`: runs side by side with the published numbers."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from videomind.cli.options import AsJson
from videomind.cli.outputs import OutputFile, json_text, output_file
from videomind.cli.terminal import printable, progress_console

if TYPE_CHECKING:
    from videomind.evaluation.report.compare import Comparison, Line


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Outputs of `videomind eval run`, or folders of single tasks in them.", metavar="RUN"),
    ],
    markdown: Annotated[Path | None, typer.Option(help="Write the tables as Markdown (.md).", metavar="FILE")] = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Write one page with tables, plots and failures with film strips (.html).", metavar="FILE"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs with each other and with the published numbers, task by task."""
    from videomind.evaluation.report.compare import compare
    from videomind.evaluation.report.markdown import markdown as as_markdown
    from videomind.evaluation.report.runs import read_runs

    text_file = None if markdown is None else output_file("--markdown", markdown, (".md", ".markdown"))
    page_file = None if html is None else output_file("--html", html, (".html", ".htm"))
    tasks = compare(read_runs(runs))
    made = datetime.now(UTC).astimezone()
    if text_file is not None:
        _write(text_file, as_markdown(tasks, made))
    if page_file is not None:
        from videomind.evaluation.report.page import html_page

        with progress_console().status("drawing"):
            page = html_page(tasks, made)
        _write(page_file, page)
    if as_json or not sys.stdout.isatty():
        print(json_text({"tasks": {task.task: describe(task) for task in tasks}}))
    else:
        _show(tasks, Console(highlight=False))


def describe(task: Comparison) -> dict[str, object]:
    """One task as JSON: the numbers of each run and of what is published, and the notes."""
    return {
        "title": task.title,
        "published": {
            model: {line.name: line.published[place] for line in task.lines if line.published[place] is not None}
            for place, model in enumerate(task.models)
        },
        "runs": {label: run.results.model_dump(mode="json") for _, label, run in task.present},
        "notes": list(task.notes),
    }


def comparison_table(task: Comparison) -> Table:
    """One task for people: a metric per row, what is published and each run beside each other."""
    table = Table(
        box=SIMPLE, title=Text(f"{task.title}, {printable(task.split)}"), title_justify="left", header_style="dim"
    )
    table.add_column("metric")
    for model in task.models:
        table.add_column(Text(f"{model}\npublished"), justify="right", style="dim")
    for label in task.labels:
        table.add_column(Text(printable(label)), justify="right")
    for place, line in enumerate(task.main):
        if place == 0 or line.variant != task.main[place - 1].variant:
            table.add_row(Text(line.variant, style="cyan"))
        published = [_number(line, value) if line.comparable else "" for value in line.published]
        table.add_row(
            Text(f"  {printable(line.name)}"), *published, *(_cell(line, run) for run in range(len(line.values)))
        )
    return table


def _show(tasks: list[Comparison], console: Console) -> None:
    from videomind.evaluation.report.throughput import throughput

    for task in tasks:
        console.print(comparison_table(task))
        for _, label, run in task.present:
            console.print(Text(f"  {printable(label)}: {throughput(run)}", style="dim"))
        for note in task.notes:
            console.print(Text(f"  note: {printable(note)}", style="yellow"))


def _cell(line: Line, run: int) -> Text:
    from videomind.evaluation.report.values import printed_interval

    cell = Text(_number(line, line.values[run]))
    difference, interval = line.difference(run), line.intervals[run]
    if difference is not None:
        style = "green" if difference > 0 else "red" if difference < 0 else "dim"
        cell.append(f" {difference:+.{line.places}f}", style=style)
    if interval is not None:
        cell.append(f"\n{printed_interval(interval, line.places)}", style="dim")
    return cell


def _number(line: Line, value: float | None) -> str:
    from videomind.evaluation.report.values import printed

    return printed(value, line.places)


def _write(file: OutputFile, text: str) -> None:
    with file.replacing() as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    print(f"wrote {file.path}", file=sys.stderr)
