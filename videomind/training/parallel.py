"""Training by several processes on one machine: each draws its own batches, gradients are averaged.

On a CPU, processes of one thread each are faster than one process of several threads: the operations of a small
model are too short to be shared out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor
from torch import distributed as dist
from torch import multiprocessing


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace each gradient by its mean over all processes (nothing to do in a single process)."""
    if not dist.is_initialized():
        return
    known = [p for p in parameters if p.requires_grad]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in known])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for p, part in zip(known, flat.split([p.numel() for p in known]), strict=True):
        p.grad = part.view_as(p)


def agree(value: float) -> float:
    """The first process's value, in all processes."""
    if not dist.is_initialized():
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    dist.broadcast(shared, 0)
    return float(shared)


def run_parallel(work: Callable[[], None], workers: int) -> None:
    """Run `work` (picklable) in `workers` processes of one thread each, or here if one is enough."""
    if workers == 1:
        work()
        return
    with TemporaryDirectory() as folder:
        multiprocessing.spawn(_worker, (work, workers, Path(folder) / "meet"), nprocs=workers)


def _worker(index: int, work: Callable[[], None], workers: int, meeting: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=index, world_size=workers)
    try:
        work()
    finally:
        dist.destroy_process_group()
