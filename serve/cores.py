"""Who computes where: a small model leaves the other cores to the server around it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from videomind.engines.base import Engine

SMALL = 64 << 20
"""Bytes of weights. A second core helps a model below that little, and takes from those who receive and send: of two
cores the embedded model (11 MB) is 1.1 to 1.3 times as slow on one (`benchmarks/threads.py`), but the server around it
answers 1.4 times as many questions a second (`benchmarks/serve_load.py`). One of 0.3 billion parameters is 1.8 times as
slow."""


@contextmanager
def spare_cores(engine: Engine) -> Iterator[None]:
    """As long as one is inside, a small model computes on one core; OMP_NUM_THREADS says otherwise."""
    before = torch.get_num_threads()
    if engine.name == "torch" and engine.memory().base < SMALL and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
