"""What a confined process does for the server: one request after another, about one file."""

from __future__ import annotations

import mmap
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from videomind.errors import VideoMindError
from videomind.serve.sandbox.confine import allow_cpu
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.messages import receive_order, send
from videomind.serve.sandbox.playable import write_playable
from videomind.serve.sandbox.untrusted import check, open_untrusted
from videomind.vision.base import VideoReader
from videomind.vision.export import export_clip

MAX_TEXT = 1000


def work(connection: socket.socket, limits: Limits, path: Path) -> None:
    """Answer until the server hangs up."""
    worker = Worker(limits, path)
    while True:
        try:
            request, files = receive_order(connection)
        except (EOFError, OSError):
            return
        allow_cpu(request.pop("cpu_s"))
        send(connection, worker.answer(request, files))


class Worker:
    """Answers about one file."""

    def __init__(self, limits: Limits, path: Path) -> None:
        self._limits, self._path = limits, path
        self._reader: VideoReader
        self._actions: dict[str, Callable[..., dict[str, Any]]] = {
            "open": self._open,
            "frames": self._frames,
            "times": self._times,
            "clip": self._clip,
            "playable": self._playable,
        }

    def answer(self, request: dict[str, Any], files: list[int]) -> dict[str, Any]:
        """What the request asks for, or why not."""
        try:
            return self._actions[request.pop("do")](*files, **request)
        except VideoMindError as error:
            return {"error": str(error)[:MAX_TEXT]}
        except MemoryError:
            return {"error": "memory"}
        except Exception as error:  # whatever a decoder comes up with
            return {"error": f"it cannot be read ({type(error).__name__}); give an undamaged copy"}
        finally:
            for file in files:
                os.close(file)

    def _open(self) -> dict[str, Any]:
        self._reader, facts = open_untrusted(self._path, self._limits)
        return facts

    def _frames(self, memory: int, indices: list[int]) -> dict[str, Any]:
        _fill(memory, self._reader.frames_at(indices))
        return {}

    def _times(self, memory: int) -> dict[str, Any]:
        _fill(memory, self._reader.timestamps)
        return {}

    def _clip(self, out: str, start: float, end: float) -> dict[str, Any]:
        check(self._path, self._limits)
        export_clip(self._path, out, start, end)
        return {}

    def _playable(self, out: str) -> dict[str, Any]:
        check(self._path, self._limits)
        write_playable(self._path, Path(out))
        return {}


def _fill(memory: int, values: np.ndarray) -> None:
    """Copies an array into memory that the server shares."""
    with mmap.mmap(memory, values.nbytes) as shared:
        np.frombuffer(shared, values.dtype)[:] = values.reshape(-1)
