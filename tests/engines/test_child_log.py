"""What spawned processes write is kept away from the terminal, and tells why one failed."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from multiprocessing import spawn
from pathlib import Path

import pytest

from videomind.engines.child_log import LONGEST, ChildLog


def chatter() -> None:
    print("on stdout", flush=True)
    subprocess.run([sys.executable, "-c", "import sys; print('of a grandchild', file=sys.stderr)"], check=True)
    raise ValueError("no room for the cache")


def run_chatter() -> None:
    process = multiprocessing.get_context("spawn").Process(target=chatter)
    process.start()
    process.join()
    process.close()


def test_output_goes_to_a_file_and_nowhere_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = ChildLog(tmp_path)
    with log.collect():
        run_chatter()
    assert capfd.readouterr() == ("", "")
    text = (tmp_path / "children.log").read_text()
    assert text.startswith("on stdout\nof a grandchild\n")
    assert log.first_error() == "no room for the cache"


def test_shown_output_keeps_stdout_clean(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = ChildLog(tmp_path, shown=True)
    with log.collect():
        run_chatter()
    stdout, stderr = capfd.readouterr()
    assert stdout == ""
    assert stderr.startswith("on stdout\nof a grandchild\n")
    assert log.first_error() is None


def test_processes_started_later_are_left_alone(tmp_path: Path) -> None:
    before = spawn.get_executable()
    with ChildLog(tmp_path).collect():
        assert os.fsdecode(spawn.get_executable()) == str(tmp_path / "python")
    assert spawn.get_executable() == before


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", None),
        ("all is well\nError rate: 5\n", None),
        ("Traceback (most recent call last):\nRuntimeError: broken\nOSError: later\n", "broken"),
        ("(Worker pid=9) ERROR 11-22 [x.py:3] torch.OutOfMemoryError: CUDA out of memory.\n", "CUDA out of memory."),
        ("ValueError: " + "x" * 1000, "x" * LONGEST),
    ],
)
def test_the_first_error_is_the_cause(tmp_path: Path, text: str, error: str | None) -> None:
    (tmp_path / "children.log").write_text(text)
    assert ChildLog(tmp_path).first_error() == error
