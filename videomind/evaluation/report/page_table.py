"""The metrics of one task as HTML tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from videomind.evaluation.report.compare import Breakdown, Comparison, Line
from videomind.evaluation.report.style import run_colour
from videomind.evaluation.report.values import VARIANTS, printed, printed_interval


def metrics_tables(task: Comparison) -> str:
    """The main metrics; then, folded up, all of them, and those of groups of samples."""
    tables = [_table(task, "metric", _by_variant(task, task.main))]
    if len(task.main) < len(task.lines):
        tables.append(_folded("All metrics", _table(task, "metric", _by_variant(task, task.lines))))
    return "".join(
        [*tables, *(_folded(_title(one), _table(task, one.kind, _rows(one.lines))) for one in task.breakdowns)]
    )


def chip(number: int) -> str:
    """A spot in the colour of a run."""
    return f'<span class="chip" style="background:{run_colour(number)}"></span>'


def _title(one: Breakdown) -> str:
    return f"{one.metric} by {one.kind} ({one.variant})"


def _folded(title: str, table: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{table}</details>"


def _table(task: Comparison, what: str, rows: str) -> str:
    published = "".join(
        f"<th>{escape(model)}<small>published, {escape(task.published_split)}</small></th>" for model in task.models
    )
    runs = "".join(f"<th>{chip(number)}{escape(label)}</th>" for number, label in enumerate(task.labels))
    head = f"<thead><tr><th>{escape(what)}</th>{published}{runs}</tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div>'


def _by_variant(task: Comparison, lines: Sequence[Line]) -> str:
    columns = 1 + len(task.models) + len(task.labels)
    return "".join(
        f'<tr class="variant"><td colspan="{columns}"><b>{escape(variant)}</b> {escape(VARIANTS.get(variant, ""))}</td>'
        f"</tr>{_rows(inside)}"
        for variant, inside in groupby(lines, key=lambda line: line.variant)
    )


def _rows(lines: Iterable[Line]) -> str:
    return "".join(map(_row, lines))


def _row(line: Line) -> str:
    known = [printed(value, line.places) if line.comparable else "" for value in line.published]
    published = "".join(f'<td class="published">{value}</td>' for value in known)
    runs = "".join(f"<td>{_cell(line, number)}</td>" for number in range(len(line.values)))
    return f"<tr><td>{escape(line.name)}</td>{published}{runs}</tr>"


def _cell(line: Line, run: int) -> str:
    cell = printed(line.values[run], line.places)
    difference, interval = line.difference(run), line.intervals[run]
    if difference is not None:
        side = "more" if difference > 0 else "less" if difference < 0 else "soft"
        cell += f' <span class="{side}">{difference:+.{line.places}f}</span>'
    if interval is not None:
        cell += f"<small>{printed_interval(interval, line.places)}</small>"
    return cell
