"""The process whose forks read files from outside: it has all decoders loaded, no secrets, and one thread.

Run as `python -m videomind.serve.sandbox.fork_server FD`, where FD is a connected socket.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import av.subtitles.stream  # noqa: F401  (else imported when a file is opened)
from PIL import Image

from videomind.serve.sandbox.confine import confine
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.messages import receive_order, send
from videomind.serve.sandbox.worker import work

GRACE_S = 0.2
"""A process that closed its connection gets this long to end by itself, so that its reason is known."""


def serve(control: socket.socket) -> None:
    """Fork and end processes as told, until the server closes the connection; all of them end with it."""
    children: set[int] = set()
    try:
        while True:
            order, files = receive_order(control)
            if order["do"] == "start":
                children -= _ended(children)
                pid = _start(control, order, files[0])
                children.add(pid)
                send(control, {"child": pid})
            else:
                status = _end(order["child"], order["grace"]) if order["child"] in children else None
                children.discard(order["child"])
                send(control, {"status": status})
    except (EOFError, OSError):
        for pid in children:
            _end(pid, grace=False)


def _ended(children: set[int]) -> set[int]:
    """Those that ended although nobody asked for it: their reader was dropped without being closed."""
    return {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}


def _start(control: socket.socket, order: dict[str, Any], connection: int) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_child(control, order, connection, parent)
    os.close(connection)
    return pid


def _become_child(control: socket.socket, order: dict[str, Any], connection: int, parent: int) -> NoReturn:
    try:
        control.close()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for output in (1, 2):  # decoders complain there, at the length the file likes
            os.dup2(nowhere, output)
        limits = Limits(**order["limits"])
        confine(limits, parent, order["file"], order["folder"])
        work(socket.socket(fileno=connection), limits, Path(order["file"]))
        os._exit(0)
    finally:
        os._exit(1)


def _end(pid: int, grace: bool) -> int:
    """Wait status of a child, which is killed where it does not end by itself."""
    until = time.monotonic() + GRACE_S
    while grace and time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    Image.preinit()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
