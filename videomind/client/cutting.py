"""Cutting off an answer that is being read, from another thread."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

POLL_S = 0.05


@contextmanager
def cut_off_by(cancel: Flag | None, answer: httpx2.Response) -> Iterator[None]:
    """While inside, an answer whose cancel event is set ends at once, as if the server had broken off.

    To close a socket does not wake up who reads from it; to shut it down does.
    """
    if cancel is None:
        yield
        return
    connection: socket.socket = answer.extensions["network_stream"].get_extra_info("socket")
    read = Flag()

    def watch() -> None:
        while not read.wait(POLL_S):
            if cancel.is_set():
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                return

    watching = Thread(target=watch, name="videomind-cancel", daemon=True)
    watching.start()
    try:
        yield
    finally:
        read.set()
        watching.join()
