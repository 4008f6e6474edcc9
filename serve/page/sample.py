"""A video for whoever has none at hand: that of the demo, from the only world that the embedded model knows."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from videomind.synth.demo import write_demo

NAME = "sample.mp4"


async def sample_video() -> AsyncIterator[bytes]:
    """It is rendered anew each time, which takes a few seconds, and is the same each time."""
    yield await run_in_threadpool(_rendered)


def _rendered() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_demo(Path(folder) / NAME).read_bytes()
