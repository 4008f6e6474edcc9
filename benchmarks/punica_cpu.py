"""LoRA of a mixed batch in vLLM on CPU, its own code against ours: `python -m benchmarks.punica_cpu`.

One linear layer of a 2B model (1536 to 1536, rank 64), four adapters and the base, tokens in equal shares. Appends a
line per number of tokens to `results/punica_cpu.jsonl`.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from pathlib import Path

import torch
from vllm.lora.ops.torch_ops import bgmv_expand, bgmv_shrink

from videomind.kernels.punica_cpu import _group, add_grouped
from videomind.lora_switch.vllm_plugin.versions import installed

RESULTS = Path(__file__).parent / "results" / "punica_cpu.jsonl"
WIDTH, RANK, ADAPTERS, TURNS = 1536, 64, 4, 5


def main() -> None:
    torch.manual_seed(0)
    a = torch.randn(ADAPTERS + 1, 1, RANK, WIDTH)
    b = torch.randn(ADAPTERS + 1, 1, WIDTH, RANK)
    a[-1] = b[-1] = 0  # an empty slot, which is what the stock code takes for tokens without an adapter
    for tokens in (64, 256, 1024):
        slots = torch.arange(tokens) % (ADAPTERS + 1)
        slots[slots == ADAPTERS] = -1
        x = torch.randn(tokens, WIDTH)
        stock, ours = torch.zeros(tokens, WIDTH), torch.zeros(tokens, WIDTH)
        times = {"stock": [], "ours": []}
        for _ in range(1 + TURNS):
            times["stock"].append(_stock(stock, x, a, b, slots))
            times["ours"].append(_ours(ours, x, a, b, slots))
        torch.testing.assert_close(ours, stock, atol=1e-2, rtol=1e-3)
        medians = {name: statistics.median(taken[1:]) for name, taken in times.items()}
        line = {
            "benchmark": "punica_cpu",
            "tokens": tokens,
            **{f"{name}_ms": round(1000 * seconds, 2) for name, seconds in medians.items()},
            "ratio": round(medians["stock"] / medians["ours"], 1),
            "threads": torch.get_num_threads(),
            "cpus": os.cpu_count(),
            "machine": platform.machine(),
            "vllm": installed(),
        }
        print(json.dumps(line))
        with RESULTS.open("a") as file:
            file.write(json.dumps(line) + "\n")


def _stock(y: torch.Tensor, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, slots: torch.Tensor) -> float:
    began = time.perf_counter()
    low = torch.zeros(len(x), RANK)
    bgmv_shrink(x, a, low, slots, 1.0)
    bgmv_expand(low, b, y, slots, True)
    return time.perf_counter() - began


def _ours(y: torch.Tensor, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, slots: torch.Tensor) -> float:
    began = time.perf_counter()
    add_grouped(_group(slots), y, x, (a,), (b,), 1.0, (WIDTH,))
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
