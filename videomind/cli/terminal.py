"""Text for terminals: nothing in it can move the cursor, and times read as m:ss."""

from __future__ import annotations

from rich.console import Console

from videomind.results import Candidate


def printable(text: str) -> str:
    """The text on one line, without control characters and what else a terminal cannot show."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def clock(seconds: float) -> str:
    """Seconds as m:ss.s, or h:mm:ss.s from an hour on: 65.25 is 1:05.2."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{start}:{rest // 10:02}.{rest % 10}"


def moment_text(candidate: Candidate) -> str:
    """Where a candidate lies, e.g. 0:05.2–0:08.1."""
    return f"{clock(candidate.start)}–{clock(candidate.end)}"


def progress_console() -> Console:
    """Where progress goes: stderr, so that stdout holds data alone."""
    return Console(stderr=True, highlight=False)
