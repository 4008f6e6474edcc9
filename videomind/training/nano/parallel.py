"""Training by several processes on one machine.

On a CPU, processes of one thread each are faster than one process of several threads: the operations of a small
model are too short to be shared out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor
from torch import distributed as dist
from torch.multiprocessing.spawn import spawn


def rank() -> int:
    """Number of this process among those that work together."""
    return dist.get_rank() if dist.is_initialized() else 0


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace each gradient by its mean over the processes that work together."""
    if not dist.is_initialized():
        return
    known = [p for p in parameters if p.requires_grad]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in known])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for p, part in zip(known, flat.split([p.numel() for p in known]), strict=True):
        p.grad = part.view_as(p)


def agree(value: float) -> float:
    """The first process's value, in all processes that work together."""
    if not dist.is_initialized():
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(shared, 0)
    return float(shared)


def run_together(work: Callable[[], None], workers: int) -> None:
    """Run `work` (picklable) in `workers` processes whose gradients are averaged."""
    if workers == 1:
        work()
        return
    with TemporaryDirectory() as folder:
        spawn(_together, (work, workers, Path(folder) / "meet"), nprocs=workers)


def run_apart(works: Sequence[Callable[[], None]], workers: int) -> None:
    """Run independent works (picklable) in order, `workers` at a time."""
    if workers == 1:
        for work in works:
            work()
        return
    with get_context("spawn").Pool(workers, _one_thread) as pool:
        for done in [pool.apply_async(work) for work in works]:
            done.get()


def _together(index: int, work: Callable[[], None], workers: int, meeting: Path) -> None:
    _one_thread()
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=index, world_size=workers)
    try:
        work()
    finally:
        dist.destroy_process_group()


def _one_thread() -> None:
    torch.set_num_threads(1)
