"""Text for terminals."""

import pytest

from videomind.cli.terminal import clock, moment_text, printable
from videomind.results import Candidate


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00.0"),
        (5.26, "0:05.3"),
        (59.97, "1:00.0"),
        (65.2, "1:05.2"),
        (3599.99, "1:00:00.0"),
        (7325.5, "2:02:05.5"),
    ],
)
def test_times_read_as_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_moment_reads_from_start_to_end() -> None:
    assert moment_text(Candidate(5.2, 8.1, 0.9)) == "0:05.2–0:08.1"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand tabs", "two lines and tabs"),
        ("\x1b[2Jgone?\x07", "[2Jgone?"),
        ("caf\udce9.mp4", "caf .mp4"),
        ("Füchse 🦊 走る", "Füchse 🦊 走る"),
    ],
)
def test_nothing_in_a_text_can_steer_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown
