"""The frames of a file from outside, decoded in a process of their own."""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from videomind.errors import VideoError
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.process import BROKE_DOWN, Confined, Done, Facts
from videomind.vision.base import KEEP_BYTES, VideoReader
from videomind.vision.digest import file_digest

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
"""Shared memory keeps its size: if the other side could shorten it, reading it would end this process."""


class SandboxedReader(VideoReader):
    """Decodes in a confined process, which ends with the reader; one that broke down is replaced at the next use.

    Args:
        path: the file.
        limits: what it may cost.
        name: what people call it; by default the name of the file. It is `path` of this reader.
        content: hash of its content where that is known already.

    Attributes:
        facts: what the file is.

    Raises:
        VideoError: it is no video of a kind taken here, or goes beyond the limits. The text has no path.
        EngineError: no process can be started.
    """

    keep_bytes = KEEP_BYTES

    def __init__(self, path: Path, limits: Limits, name: str | None = None, content: str | None = None) -> None:
        super().__init__()
        self.path = name or path.name
        self._file, self._limits, self._content = path, limits, content
        self._opening = threading.Lock()
        self._process, self.facts = self._open()
        self.num_frames, self.fps = self.facts.frames, self.facts.fps
        self.width, self.height = self.facts.width, self.facts.height

    def _open(self) -> tuple[Confined, Facts]:
        process = Confined(self._limits, self.path, self._file)
        try:
            facts = process.ask(Facts, "open")
        except BaseException:
            process.close()
            raise
        if not self._allows(facts):
            process.close()
            raise VideoError(f"{self.path}: {BROKE_DOWN}")
        return process, facts

    def _allows(self, facts: Facts) -> bool:
        """The process checks this too, but it might lie."""
        most = self._limits
        fits = facts.frames <= most.max_frames and facts.width * facts.height <= most.max_pixels
        return fits and facts.duration <= most.max_seconds

    @cached_property
    def timestamps(self) -> np.ndarray:
        times = self._fetch_array("times", (self.num_frames,), np.dtype(np.float64))
        if not np.isfinite(times).all():
            raise VideoError(f"{self.path}: {BROKE_DOWN}")
        return times

    def _hash(self) -> str:
        return self._content or file_digest(self._file)

    def _decode(self, indices: list[int]) -> np.ndarray:
        shape = (len(indices), self.height, self.width, 3)
        return self._fetch_array("frames", shape, np.dtype(np.uint8), indices=indices)

    def _fetch_array(self, do: str, shape: tuple[int, ...], dtype: np.dtype[Any], **request: Any) -> np.ndarray:
        """What the process writes into new shared memory, which lasts as long as the array."""
        process = self._running()
        size = int(np.prod(shape)) * dtype.itemsize
        memory = os.memfd_create("frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(memory, size)
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, SEALS)
            process.ask(Done, do, [memory], **request)
            return np.frombuffer(mmap.mmap(memory, size), dtype).reshape(shape)
        finally:
            os.close(memory)

    def _running(self) -> Confined:
        with self._opening:
            if not self._process.alive:
                self._process, facts = self._open()
                if facts != self.facts:
                    self._process.close()
                    raise VideoError(f"{self.path}: the file has changed meanwhile; open it again")
            return self._process

    def close(self) -> None:
        super().close()
        self._process.close()
