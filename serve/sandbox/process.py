"""One confined process, as the server sees it."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videomind.errors import VideoError
from videomind.serve.sandbox import forks
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.messages import receive, send

BROKE_DOWN = "its decoder broke down: the file is damaged, or takes too much memory; convert it to H.264 in .mp4"
TOO_MUCH_MEMORY = "it takes too much memory to read: give one with a smaller picture, or a shorter one"


class Reply(BaseModel):
    """What a confined process answers; checked as anything from outside is."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Done(Reply):
    """It did as asked."""


class Facts(Reply):
    """What an opened file is: the fields of `MediaInfo`."""

    kind: str = Field(pattern=r"^[a-z0-9]{1,16}$")
    codec: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,32}$")
    duration: float = Field(gt=0, allow_inf_nan=False)
    fps: float = Field(gt=0, allow_inf_nan=False)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    frames: int = Field(gt=0)
    playable: bool


R = TypeVar("R", bound=Reply)


class Confined:
    """Asked one thing after another about one file; ended by `close`, or where it breaks a limit.

    Args:
        limits: what it may use.
        name: what people call the file; in errors it stands in place of any path.
        file: what it may read.
        folder: where it may write, if anywhere.

    Attributes:
        pid: its number.
        alive: whether it can be asked.

    Raises:
        EngineError: no process can be started.
    """

    def __init__(self, limits: Limits, name: str, file: Path, folder: Path | None = None) -> None:
        self._limits, self._name, self._file, self._folder = limits, name, file.absolute(), folder
        self._lock = threading.Lock()
        self._forks, self.pid, self._connection = forks.start(
            limits, str(self._file), None if folder is None else str(folder)
        )
        self._hang_up = weakref.finalize(self, self._connection.close)
        self.alive = True

    def ask(self, reply: type[R], do: str, files: Sequence[int] = (), **request: Any) -> R:
        """What it answers to a request about its file, waiting no longer than the limits say.

        Raises:
            VideoError: it cannot, for a reason that is the file's; or it broke a limit, and has ended.
        """
        with self._lock:
            answer = self._exchange({"do": do, "cpu_s": self._limits.cpu_s, **request}, files)
        if isinstance(answer, dict) and isinstance(problem := answer.get("error"), str):
            raise self._error(TOO_MUCH_MEMORY if problem == "memory" else problem)
        try:
            return reply.model_validate(answer)
        except ValidationError:
            self.close()
            raise self._error(BROKE_DOWN) from None

    def _exchange(self, request: dict[str, Any], files: Sequence[int]) -> Any:
        try:
            send(self._connection, request, files)
            return receive(self._connection, self._limits.wall_s)
        except TimeoutError:
            self._stop()
            raise self._error(
                f"it takes longer than {self._limits.wall_s:g} s to read: give a shorter or simpler one"
            ) from None
        except (OSError, EOFError, ValueError, RecursionError):
            raise self._error(self._reason()) from None

    def _reason(self) -> str:
        """Why it is no longer there."""
        status = self._stop(grace=True)
        if status is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
            return f"it takes more than {self._limits.cpu_s:g} s of computing to read: give a shorter or simpler one"
        return BROKE_DOWN

    def _error(self, text: str) -> VideoError:
        text = text.replace(str(self._file), self._name)
        for folder in {self._file.parent, self._folder or self._file.parent}:
            text = re.sub(rf"{re.escape(str(folder))}/[^\s'\"():]*", lambda _: self._name, text)
        text = " ".join(text.split())
        return VideoError(text if text.startswith(f"{self._name}:") else f"{self._name}: {text}")

    def close(self) -> None:
        """End it, at once and for good; whoever waits for it gets an error."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._stop()

    def _stop(self, grace: bool = False) -> int | None:
        if not self.alive:
            return None
        self.alive = False
        status = self._forks.end(self.pid, grace)
        self._hang_up()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
