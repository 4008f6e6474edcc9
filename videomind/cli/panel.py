"""A result for people: the answer, the moment that proves it, and where files were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from videomind.cli.terminal import clock, moment_text, printable
from videomind.results import Candidate, Result

BAR_WIDTH = 48


def result_panel(result: Result, options: Sequence[str] = (), written: Mapping[str, Path] | None = None) -> Panel:
    """A compact panel.

    Args:
        result: what to show.
        options: the options of a multiple-choice question, to name the chosen one in full.
        written: what was written where, e.g. {"clip": Path("moment.mp4")}.
    """
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_column()
    if result.moment is not None:
        rows.add_row("moment" if result.localized else "a guess", Text(moment_text(result.moment), style="bold"))
        rows.add_row("", _bar(result.moment, result.video.duration))
        rows.add_row("confidence", _scores(result.moment))
    for what, path in (written or {}).items():
        rows.add_row(what, Text(printable(str(path))))
    signature = f"{result.model} · {result.engine} · {result.timings.get('total', 0.0):.1f} s"
    headline = _headline(result, options)
    return Panel(
        Group(headline, Text(), rows) if rows.row_count else headline,
        title=Text(printable(Path(result.video.path).name)),
        title_align="left",
        subtitle=Text(printable(signature)),
        subtitle_align="right",
        border_style="green" if result.found else "yellow",
        padding=(1, 2),
        expand=False,
    )


def _headline(result: Result, options: Sequence[str]) -> Text:
    if not result.found:
        return Text("Nothing found.", style="bold yellow")
    if result.answer is None:
        return Text(printable(result.query), style="bold")
    if result.answer.option is not None and options:
        letter = result.answer.option
        return Text(f"{letter}  {printable(options[ord(letter) - ord('A')])}", style="bold")
    return Text(printable(result.answer.text) or "(no answer)", style="bold")


def _scores(moment: Candidate) -> str:
    verified = "" if moment.verified is None else f" · verified {moment.verified:.2f}"
    return f"{moment.confidence:.2f}{verified}"


def _bar(moment: Candidate, duration: float) -> Text:
    """Where the moment lies in the video."""
    start = min(BAR_WIDTH - 1, int(moment.start / duration * BAR_WIDTH))
    end = min(BAR_WIDTH, max(start + 1, round(moment.end / duration * BAR_WIDTH)))
    bar = Text("─" * start, style="dim")
    bar.append("━" * (end - start), style="bold green")
    return bar.append("─" * (BAR_WIDTH - end) + f" {clock(duration)}", style="dim")
