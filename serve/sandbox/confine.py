"""What a process gives up before it reads a file from outside."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

from videomind.serve.sandbox.landlock import restrict
from videomind.serve.sandbox.limits import Limits

MAX_FILES = 64
"""Files open at a time."""
_PDEATHSIG, _NO_NEW_PRIVS = 1, 38  # linux/prctl.h


def confine(limits: Limits, parent: int, file: str, folder: str | None) -> None:
    """Bind this process for good: its memory, its files, no new privileges; and end it when `parent` ends.

    Args:
        limits: what it may use.
        parent: the process that forked it.
        file: what it may read.
        folder: where it may write, if anywhere.
    """
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_FILES, MAX_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = 0 if folder is None else limits.max_file_bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # too large a file is an error of the write
    if sys.platform == "linux":
        restrict([file], [] if folder is None else [folder])


def allow_cpu(seconds: float) -> None:
    """End this process when it has used as many further seconds of CPU time (rounded up)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
