"""oneDNN against MKL on float32 linear layers: `python -m benchmarks.linear`.

One thread, both libraries in turn on the same tensors. Appends a line per shape to `results/linear.jsonl`: by how much
oneDNN is faster at each number of rows (best of all turns), and which of the two `kernels.linear` takes.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from videomind.kernels.linear import FEWEST_PRODUCTS, FEWEST_ROWS, HAS_ONEDNN

RESULTS = Path(__file__).parent / "results" / "linear.jsonl"
SHAPES = [(1536, 1536), (1536, 8960), (768, 768), (384, 384), (192, 192), (1536, 64), (64, 1536), (192, 16)]
"""Inputs and outputs of the layers."""
ROWS, TURNS, PRODUCTS = (1, 2, 3, 4, 8, 16, 64, 256, 1024), 9, 5e7


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for inputs, outputs in SHAPES:
        weight, bias = torch.randn(outputs, inputs), torch.randn(outputs)
        ratios, rates = {}, {}
        for rows in ROWS:
            mkl, onednn = _compared(torch.randn(rows, inputs), weight, bias)
            ratios[rows], rates[rows] = round(mkl / onednn, 2), round(2e-9 * rows * weight.numel() / onednn)
        line = {
            "benchmark": "linear",
            "inputs": inputs,
            "outputs": outputs,
            "onednn_faster": ratios,
            "onednn_gflops": rates,
            "taken": {rows: _taken(rows, weight) for rows in ROWS},
            "processor": torch.backends.cpu.get_cpu_capability(),
            "machine": platform.machine(),
            "torch": torch.__version__,
        }
        print(json.dumps(line), flush=True)
        with RESULTS.open("a") as file:
            file.write(json.dumps(line) + "\n")


@torch.inference_mode()
def _compared(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> tuple[float, float]:
    """Seconds of a product with MKL, and with oneDNN."""
    ways: list[Callable[[], torch.Tensor]] = [
        lambda: torch.nn.functional.linear(x, weight, bias),
        lambda: torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], ""),
    ]
    calls = max(1, min(300, int(PRODUCTS / (len(x) * weight.numel() + 5e4))))
    taken: list[list[float]] = [[], []]
    for _ in range(TURNS):
        for way, times in zip(ways, taken, strict=True):
            began = time.perf_counter()
            for _ in range(calls):
                way()
            times.append((time.perf_counter() - began) / calls)
    return min(taken[0]), min(taken[1])


def _taken(rows: int, weight: torch.Tensor) -> str:
    worth = HAS_ONEDNN and rows >= FEWEST_ROWS and rows * weight.numel() >= FEWEST_PRODUCTS
    return "oneDNN" if worth else "MKL"


if __name__ == "__main__":
    main()
