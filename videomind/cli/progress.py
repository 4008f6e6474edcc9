"""The chain as it runs, on stderr: one line per finished role, a spinner for the one at work."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from videomind.cli.terminal import moment_text, printable
from videomind.events import AnswerToken, Done, Event, Grounded, Judged, PlanReady, Verified
from videomind.results import Candidate, Plan, Result, percent

SHOWN_CANDIDATES = 5


def follow(events: Iterator[Event], console: Console) -> Result:
    """Shows the events of one question as they happen, and gives back its result."""
    steps = _Steps(console)
    answer = ""
    with console.status("planning") as status:
        for event in events:
            match event:
                case PlanReady(plan, query):
                    steps.done("planner" if plan.reply else "plan", _plan_text(plan, query))
                    status.update("grounding" if "grounder" in plan.roles else "answering")
                case Grounded(candidates):
                    steps.done("grounder", _count_text(candidates))
                    status.update("verifying")
                case Verified(candidates):
                    steps.done("verifier", f"best {moment_text(candidates[0])}")
                    console.print(candidates_table(candidates))
                    status.update("answering")
                case Judged(presence, moments):
                    steps.done("verdict", _verdict_text(presence, moments))
                case AnswerToken(text):
                    answer += text
                    status.update(Text(printable(answer)))
                case Done(result):
                    if result.answer is not None:
                        steps.done("answerer", result.answer.text or "(said nothing)")
                    return result
    raise AssertionError("a chain ends with Done")


def candidates_table(candidates: Sequence[Candidate]) -> Table:
    """The best candidates with the grounder's confidence, the verifier's score and, if known, the probability."""
    shown = candidates[:SHOWN_CANDIDATES]
    calibrated = any(candidate.probability is not None for candidate in shown)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "moment", "grounder", "verifier", *(["probability"] if calibrated else [])):
        table.add_column(heading, justify="left" if heading == "moment" else "right")
    for rank, candidate in enumerate(shown, start=1):
        verified = "–" if candidate.verified is None else f"{candidate.verified:.3f}"
        row = [f"{rank:>11}", moment_text(candidate), f"{candidate.confidence:.3f}", verified]
        if calibrated:
            row.append("–" if candidate.probability is None else percent(candidate.probability))
        table.add_row(*row, style="bold" if rank == 1 else "")
    return table


class _Steps:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._since = time.perf_counter()

    def done(self, role: str, what: str) -> None:
        """Prints what a role found and how long it took since the step before."""
        now = time.perf_counter()
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(width=9, style="cyan")
        line.add_column(ratio=1)
        line.add_column(justify="right", style="dim")
        line.add_row(role, Text(printable(what)), f"{now - self._since:.1f} s")
        self._console.print(line)
        self._since = now


def _plan_text(plan: Plan, query: str) -> str:
    looking = f', looking for "{query}"' if "grounder" in plan.roles else ""
    note = " (its reply was no plan)" if plan.reply and not plan.parsed else ""
    return f"{' → '.join(plan.roles)}{looking}{note}"


def _count_text(candidates: Sequence[Candidate]) -> str:
    if candidates[0].confidence == 0:
        return "localised nothing: only guesses are left"
    best = moment_text(candidates[0])
    return best if len(candidates) == 1 else f"{len(candidates)} candidates, best {best}"


def _verdict_text(presence: float, moments: Sequence[Candidate]) -> str:
    where = "in this video" if moments else "not in this video"
    several = f", {len(moments)} moments" if len(moments) > 1 else ""
    return f"{where} (probability {percent(presence)}){several}"
