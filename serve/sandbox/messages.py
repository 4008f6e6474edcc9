"""Messages between the server and its confined processes: JSON after its length, and never anything pickled."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any

LENGTH = struct.Struct("!I")
MAX_REPLY = 1 << 20
"""Bytes of what a confined process may answer; frames come through shared memory."""


def send(connection: socket.socket, message: Mapping[str, Any], files: Sequence[int] = ()) -> None:
    """Send a message, with open files beside it.

    Raises:
        OSError: the other side is gone.
    """
    body = json.dumps(message).encode()
    socket.send_fds(connection, [LENGTH.pack(len(body))], files)
    connection.sendall(body)


def receive(connection: socket.socket, wait_s: float | None = None) -> Any:
    """The next message of a process that may be hostile. Files that come with it are dropped.

    Raises:
        EOFError, OSError: the other side is gone; TimeoutError: it is not done after `wait_s` seconds.
        ValueError, RecursionError: no message, or too long a one.
    """
    until = None if wait_s is None else time.monotonic() + wait_s
    (size,) = LENGTH.unpack(_exactly(connection, LENGTH.size, until))
    if size > MAX_REPLY:
        raise ValueError(f"a message of {size} bytes")
    return json.loads(_exactly(connection, size, until))


def receive_order(connection: socket.socket) -> tuple[Any, list[int]]:
    """The next message of the server, and the open files that came with it.

    Raises:
        EOFError, OSError: the server is gone.
    """
    head, files, _, _ = socket.recv_fds(connection, LENGTH.size, 4)
    head += _exactly(connection, LENGTH.size - len(head), None) if head else b""
    if not head:
        raise EOFError
    return json.loads(_exactly(connection, LENGTH.unpack(head)[0], None)), files


def _exactly(connection: socket.socket, size: int, until: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        if until is not None:
            connection.settimeout(max(until - time.monotonic(), 1e-3))
        part = connection.recv(min(size - len(data), 1 << 16))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
