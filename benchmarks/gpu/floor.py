"""What a chain costs at least: its arithmetic and the weights it reads, at the rates that this device reaches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch

from benchmarks.gpu.sizes import Size
from videomind.results import RoleCall

PATCH_NUMBERS = 1176
"""Numbers of a patch: 2 frames, 3 channels, 14 × 14."""
MLP_RATIO, MERGED = 4, 4
"""Of the visual tower: width of its MLPs in widths, patches of one visual token."""


class Peak(NamedTuple):
    """What the device reaches: TFLOP/s of a matrix product, and TB/s of a copy (bytes read and written)."""

    tflops: float
    tbytes: float


def tower_flop(size: Size, grid: tuple[int, int, int]) -> float:
    """FLOP of the visual tower on a view of (frame pairs, patch rows, patch columns)."""
    pairs, rows, columns = grid
    pair, width = rows * columns, size.vision
    layers = size.depth * (4 + 2 * MLP_RATIO) * width**2 + PATCH_NUMBERS * width
    attention = size.depth * 2 * pair * width
    merger = (MERGED * width) ** 2 + MERGED * width * size.hidden
    return 2.0 * pairs * pair * (layers + attention + merger / MERGED)


def text_flop(size: Size, tokens: int, cached: int = 0) -> float:
    """FLOP of the text model on a prompt, of which the KV of the first `cached` tokens is at hand."""
    kv = size.kv_heads * size.head
    layer = 2 * size.hidden**2 + 2 * size.hidden * kv + 3 * size.hidden * size.mlp
    attention = size.hidden * (tokens**2 - cached**2)  # causal: half of all pairs, scores and values
    return 2.0 * size.layers * ((tokens - cached) * layer + attention)


def text_bytes(size: Size) -> float:
    """Bytes of weights that one decoded token reads: all layers and the output projection, in 16 or 32 bits."""
    kv = size.kv_heads * size.head
    layer = 2 * size.hidden**2 + 2 * size.hidden * kv + 3 * size.hidden * size.mlp
    numbers = size.layers * layer + size.vocabulary * size.hidden
    return numbers * float(getattr(torch, size.dtype).itemsize)


def chain_tflop(size: Size, calls: Iterable[RoleCall]) -> float:
    """TFLOP of all prefills of a chain as it was: what came from a cache counts nothing."""
    flop = 0.0
    for call in calls:
        flop += text_flop(size, call.usage.prompt_tokens, call.usage.cached_tokens)
        flop += tower_flop(size, call.grid) if call.usage.encoded else 0.0
    return flop / 1e12


def measure_peak(device: torch.device, dtype: torch.dtype) -> Peak:
    """Both rates, on random data."""
    side, numbers = (8192, 1 << 30) if device.type == "cuda" else (512, 1 << 22)
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    source = torch.empty(numbers, device=device, dtype=dtype)
    target = torch.empty_like(source)
    product = _best(lambda: torch.matmul(a, b), device)
    copy = _best(lambda: target.copy_(source), device)
    return Peak(2 * side**3 / product / 1e12, 2 * source.nbytes / copy / 1e12)


def _best(run: Callable[[], object], device: torch.device, repeat: int = 10) -> float:
    """The shortest seconds of several runs, after some to warm up."""
    taken = []
    for _ in range(3 + repeat):
        _wait(device)
        began = time.perf_counter()
        run()
        _wait(device)
        taken.append(time.perf_counter() - began)
    return min(taken[3:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
