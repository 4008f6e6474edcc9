"""Starting vLLM's processes and ending them: quietly, on Ctrl-C too, and with the cause when something fails."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from videomind.engines.child_log import LONGEST, ChildLog
from videomind.engines.loop_thread import LoopThread
from videomind.errors import EngineError

LEVEL, QUIET = "VLLM_LOGGING_LEVEL", "ERROR"
ADVICE = f"its options are set with --engine-config; {LEVEL}=INFO shows its log"
PATIENCE = 10.0
"""Seconds that killed processes may take to be gone."""


class VLLMProcesses:
    """The processes of one engine.

    Args:
        folder: for what they write; it has to be there as long as they are.
    """

    def __init__(self, folder: Path) -> None:
        self._shows_log = os.environ.get(LEVEL, QUIET) != QUIET
        self._log = ChildLog(folder, shown=self._shows_log)
        self._others: set[BaseProcess] = set(multiprocessing.active_children())
        self._unwanted, self._idle = False, threading.Event()
        self._idle.set()
        self._made: Any = None

    def start(self, loop: LoopThread, arguments: dict[str, Any]) -> Any:
        """An `AsyncLLM` that lives on the loop. Its processes leave Ctrl-C to this one.

        Raises:
            EngineError: vLLM does not start; the text says why.
        """
        with _quiet(not self._shows_log), self._log.collect():
            import vllm.v1.engine.async_llm  # noqa: F401  (here it can be interrupted)

            self._idle.clear()
            loop.run(self._make(arguments))
        return self._take()

    def cause(self) -> str:
        """Why a process has ended, as far as one of them said so."""
        return self._log.first_error() or "it left no message (killed, or out of memory)"

    def kill(self) -> None:
        """End every process of the engine, also one that is only just being started."""
        self._unwanted = True
        while True:
            for child in set(multiprocessing.active_children()) - self._others:
                _kill_tree(child.pid)
            if self._idle.wait(timeout=0.1):
                return

    def _take(self) -> Any:
        """What was made. `start` itself may not name it: modules keep the frames they were imported in."""
        made, self._made = self._made, None
        return made

    async def _make(self, arguments: dict[str, Any]) -> None:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        resource_tracker.ensure_running()  # its first start would let the signal through again
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # processes inherit it from the thread
        try:
            self._made = AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))
        except (ValueError, RuntimeError, OSError) as error:
            if not self._unwanted:
                reason = self._log.first_error() or _text(error)
                raise EngineError(f"vLLM did not start: {reason} ({ADVICE})") from error
        finally:
            self._idle.set()


def _kill_tree(pid: int | None) -> None:
    """Kill a process and all that come from it, and wait until they are gone."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(tree, timeout=PATIENCE)


@contextmanager
def _quiet(quiet: bool) -> Iterator[None]:
    """Only errors of vLLM, and no notices of what transformers would rather have."""
    if not quiet:
        yield
        return
    logging.getLogger("vllm").setLevel(logging.ERROR)
    notices = logging.getLogger("transformers")
    before = notices.level
    notices.setLevel(logging.ERROR)
    try:
        yield
    finally:
        notices.setLevel(before)


def _text(error: Exception) -> str:
    """An error on one line; of settings that were refused, the first one's."""
    text = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return " ".join(text.removeprefix("Value error, ").split())[:LONGEST]
