"""Processes of vLLM that belong to an engine of ours: they never outlive it, and end without delay."""

from __future__ import annotations

import atexit
import ctypes
import multiprocessing
import os
import signal
import sys

OWNED = "VIDEOMIND_OWNS_VLLM"
"""The engine puts this into the environment of the processes it starts."""
_PR_SET_PDEATHSIG = 1


def belong_to_parent() -> None:
    """In a process that an engine of ours started: end when its parent ends, however that happens (on Linux).

    When it ends by itself, it does so without taking the interpreter apart, which takes seconds with so much loaded.
    """
    parent = multiprocessing.parent_process()
    if OWNED not in os.environ or parent is None:
        return
    atexit.register(os._exit, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent.pid:
            os._exit(1)
