"""How an evaluation goes: a bar on a terminal, lines now and then in a log file."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from videomind.cli import eval_progress
from videomind.cli.eval_progress import EvalProgress


def line(name: str, attempt: int = 1, error: str | None = None, option: str = "A") -> dict[str, Any]:
    result = {"candidates": [], "answer": {"text": option, "option": option}}
    outcome = {"error": error} if error else {"error": None, "result": result}
    asked = {"id": name, "task": "synth", "options": ["a", "b"], "answer": "A", "spans": []}
    return asked | {"attempt": attempt} | outcome


def shown(terminal: bool, *steps: tuple[str, tuple[Any, ...]]) -> str:
    """What is printed while these are told."""
    file = StringIO()
    console = Console(file=file, force_terminal=terminal, width=200, highlight=False, no_color=True)
    with EvalProgress(console) as progress:
        for what, arguments in steps:
            getattr(progress, what)(*arguments)
    return file.getvalue()


def test_a_bar_shows_what_is_done_and_running_metrics() -> None:
    text = shown(
        True,
        ("status", ("reading",)),
        ("begin", ([], 4)),
        ("add", ([],)),
        ("add", ([line("a"), line("b", option="B")],)),
    )
    assert "asking" in text
    assert "2/4" in text
    assert "Acc 50.0" in text


def test_what_failed_is_said_and_counted_until_it_succeeds() -> None:
    text = shown(
        True,
        ("begin", ([], 2)),
        ("add", ([line("a"), line("b", error="VideoError: torn\x1b[2J")],)),
        ("add", ([line("b", attempt=2)],)),
    )
    assert "synth b failed: VideoError: torn [2J; it is asked once more at the end" in text
    assert "1 failed" in text
    last = text[text.rindex("2/2") :]
    assert "Acc 100.0" in last
    assert "failed" not in last


def test_what_fails_again_is_said_without_promise() -> None:
    text = shown(
        False,
        ("begin", ([line("a", error="VideoError: torn")], 1)),
        ("add", ([line("a", attempt=2, error="VideoError: still torn")],)),
    )
    assert "synth a failed: VideoError: still torn\n" in text


def test_a_run_that_goes_on_says_so_and_counts_what_was_there() -> None:
    text = shown(True, ("begin", ([line("a"), line("b", option="B")], 4)), ("add", ([line("c")],)))
    assert "2 of 4 samples are finished already; going on" in text
    assert "3/4" in text
    assert "Acc 66.7" in text


def test_a_log_file_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (("begin", ([], 2)), ("add", ([line("a")],)), ("add", ([line("b")],)))
    assert "of 2" not in shown(False, *steps)
    monkeypatch.setattr(eval_progress, "LOG_SECONDS", 0.0)
    text = shown(False, *steps)
    assert [one.split(",")[0] for one in text.splitlines() if " of 2" in one] == ["1 of 2", "2 of 2"]
    assert "Acc 100.0" in text
    assert "\x1b" not in text


def test_a_log_file_gets_no_bar() -> None:
    assert shown(False, ("status", ("reading",)), ("begin", ([], 1)), ("add", ([line("a")],))) == ""


def test_videos_that_are_rendered_are_counted() -> None:
    text = shown(True, ("preparing", (3, 7)))
    assert "rendering videos" in text
    assert "3/7" in text


def test_markup_in_a_text_is_text() -> None:
    assert "[bold]x[/bold] [/]" in shown(True, ("say", ("[bold]x[/bold] [/]",)))
