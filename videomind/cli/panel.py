"""A result for people: the answer, the moment that proves it, and where files were written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from videomind.cli.terminal import clock, moment_text, printable
from videomind.results import Candidate, Result, percent
from videomind.roles.answerer import NOT_IN_VIDEO

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
    _add_moments(rows, result)
    if reused := _reused(result.reuse):
        rows.add_row("reused", Text(reused, style="dim"))
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


def _add_moments(rows: Table, result: Result) -> None:
    """The moment with its scores, or all of them; of what is not there, the candidate that came nearest."""
    duration = result.video.duration
    if len(result.moments) > 1:
        rows.add_row("moments", moments_table(result.moments))
        rows.add_row("", _bar(result.moments, duration))
    elif result.moment is not None:
        rows.add_row("moment" if result.localized else "a guess", Text(moment_text(result.moment), style="bold"))
        rows.add_row("", _bar(result.moments, duration))
        rows.add_row("confidence", _scores(result.moment))
    if result.presence is None:
        return
    if not result.absent:
        rows.add_row("in video", percent(result.presence))
        return
    nearest = result.candidates[0]
    rows.add_row("moment", f"not in this video (probability {percent(result.presence)})")
    rows.add_row("nearest", f"{moment_text(nearest)}, rejected")
    rows.add_row("", _bar([nearest], duration, "yellow"))
    rows.add_row("confidence", _scores(nearest))


def moments_table(moments: Sequence[Candidate]) -> Table:
    """Several moments in the order of time, with their scores."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "moment", "confidence", "verified", "probability"):
        table.add_column(heading, justify="left" if heading == "moment" else "right")
    for number, moment in enumerate(sorted(moments, key=lambda m: m.start), start=1):
        verified = "–" if moment.verified is None else f"{moment.verified:.2f}"
        probability = "–" if moment.probability is None else percent(moment.probability)
        table.add_row(f"{number}", moment_text(moment), f"{moment.confidence:.2f}", verified, probability)
    return table


def _headline(result: Result, options: Sequence[str]) -> Text:
    if not result.found:
        return Text(NOT_IN_VIDEO if result.absent else "Nothing found.", style="bold yellow")
    if result.answer is None:
        return Text(printable(result.query), style="bold")
    if result.answer.option is not None and options:
        letter = result.answer.option
        return Text(f"{letter}  {printable(options[ord(letter) - ord('A')])}", style="bold")
    return Text(printable(result.answer.text) or "(no answer)", style="bold")


def _reused(reuse: Mapping[str, int]) -> str:
    """What need not be computed again: "96 of 412 prompt tokens, 2 of 8 views"; "" where everything was."""
    tokens, views = reuse["cached_tokens"], reuse["visual_calls_saved"]
    parts = [
        f"{tokens} of {reuse['prompt_tokens']} prompt tokens" if tokens else "",
        f"{views} of {reuse['visual_calls'] + views} views" if views else "",
    ]
    return ", ".join(part for part in parts if part)


def _scores(moment: Candidate) -> str:
    verified = "" if moment.verified is None else f" · verified {moment.verified:.2f}"
    probability = "" if moment.probability is None else f" · probability {percent(moment.probability)}"
    return f"{moment.confidence:.2f}{verified}{probability}"


def _bar(moments: Sequence[Candidate], duration: float, colour: str = "green") -> Text:
    """Where the moments lie in the video."""
    filled = set[int]()
    for moment in moments:
        start = min(BAR_WIDTH - 1, int(moment.start / duration * BAR_WIDTH))
        filled.update(range(start, min(BAR_WIDTH, max(start + 1, round(moment.end / duration * BAR_WIDTH)))))
    bar = Text()
    for inside, places in groupby(range(BAR_WIDTH), filled.__contains__):
        bar.append(("━" if inside else "─") * len([*places]), style=f"bold {colour}" if inside else "dim")
    return bar.append(f" {clock(duration)}", style="dim")
