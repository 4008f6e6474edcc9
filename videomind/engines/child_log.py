"""What child processes write to stdout and stderr: out of the way, and at hand when something fails."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import spawn
from pathlib import Path

_ERROR = re.compile(r"(?:^|[\s\]])((?:\w+\.)*\w*(?:Error|Exception)): (\S.*)")
LONGEST = 400
"""Characters of an error that are worth showing."""


class ChildLog:
    """Collects the output of processes that `multiprocessing` spawns, and of theirs in turn, in one file.

    Args:
        folder: where the file goes; it has to be there as long as the processes.
        shown: let everything appear on stderr instead.
    """

    def __init__(self, folder: Path, shown: bool = False) -> None:
        self._file = folder / "children.log"
        self._script = folder / "python"
        self._shown = shown

    @contextmanager
    def collect(self) -> Iterator[None]:
        """What is spawned meanwhile writes here; where nothing may be executed in the folder, it goes to stderr."""
        before = spawn.get_executable()
        target = ">&2" if self._shown else f">>{shlex.quote(str(self._file))} 2>&1"
        self._script.write_text(f'#!/bin/sh\nexec {shlex.quote(os.fsdecode(before))} "$@" {target}\n')
        self._script.chmod(0o700)
        if os.access(self._script, os.X_OK):
            spawn.set_executable(str(self._script))
        try:
            yield
        finally:
            spawn.set_executable(before)

    def first_error(self) -> str | None:
        """The first error that a process wrote down, as a rule the cause of all that follow; None without any."""
        try:
            lines = self._file.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return None
        found = (match for line in lines if (match := _ERROR.search(line)))
        return next((match[2][:LONGEST] for match in found), None)
