"""The server's side of the fork server: started when first needed, and again where it has ended."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress
from dataclasses import asdict
from typing import Any

from videomind.errors import EngineError
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.messages import receive, send

PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
"""Of the environment; the rest may hold secrets."""
FRUGAL = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""No thread before a fork, and no address space spent on threads."""
START_S = 60.0
GONE = (OSError, EOFError, ValueError)


class Forks:
    """A running fork server. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with closing(theirs):
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "videomind.serve.sandbox.fork_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ} | FRUGAL,
                start_new_session=True,  # a Ctrl-C in the terminal is for the server alone
            )

    def start(self, limits: Limits, file: str, folder: str | None) -> tuple[int, socket.socket]:
        """A process that may read this file and write into this folder, and the connection to it.

        Raises:
            OSError, EOFError, ValueError: the fork server is gone.
        """
        ours, theirs = socket.socketpair()
        with closing(theirs):
            try:
                order = {"do": "start", "limits": asdict(limits), "file": file, "folder": folder}
                return int(self._order(order, theirs)["child"]), ours
            except GONE:
                ours.close()
                raise

    def end(self, pid: int, grace: bool = False) -> int | None:
        """Wait status of a process that is ended now; None where nobody knows it any more."""
        with suppress(*GONE):
            status = self._order({"do": "end", "child": pid, "grace": grace})["status"]
            return status if isinstance(status, int) else None
        return None

    def _order(self, order: dict[str, Any], *files: socket.socket) -> Any:
        with self._lock:
            send(self._control, order, [file.fileno() for file in files])
            return receive(self._control, START_S)

    def close(self) -> None:
        """End it, and with it all its processes."""
        with self._lock:
            self._control.close()
            self._process.kill()
            self._process.wait()


_lock = threading.Lock()
_forks: Forks | None = None


def start(limits: Limits, file: str, folder: str | None) -> tuple[Forks, int, socket.socket]:
    """A process that may read this file and write into this folder, of the fork server that is there or of a new one.

    Raises:
        EngineError: none can be started.
    """
    ended = None
    for _ in range(2):
        forks = _running(ended)
        try:
            return forks, *forks.start(limits, file, folder)
        except GONE:
            ended = forks
    raise EngineError("no process can be started to read videos; is there enough memory?")


def warm_up() -> None:
    """Have the fork server load its decoders before the first video comes; does not wait for it."""
    _running(None)


def _running(ended: Forks | None) -> Forks:
    """The fork server, or a new one where it is the one that has ended."""
    global _forks
    with _lock:
        if _forks is not None and _forks is ended:
            _forks.close()
            _forks = None
        if _forks is None:
            _forks = Forks()
        return _forks


@atexit.register
def _close() -> None:
    if _forks is not None:
        _forks.close()
