"""Result lines: one JSON object a line, each with the machine and the versions it was measured with."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from videomind.lora_switch.vllm_plugin.versions import installed

FILE = "gpu_vllm.jsonl"
SEED = 0
"""Of the weights, the videos and the questions."""
Line = dict[str, Any]


def append(out: Path, line: Line, benchmark: str = "gpu_vllm") -> None:
    """Add a line to the results of a benchmark in a folder."""
    whole = {"benchmark": benchmark, **line, "seed": SEED, "date": time.strftime("%Y-%m-%d"), **setup()}
    out.mkdir(parents=True, exist_ok=True)
    with (out / f"{benchmark}.jsonl").open("a") as file:
        file.write(json.dumps(whole) + "\n")


def read(files: Iterable[Path]) -> list[Line]:
    """The lines of some files."""
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def setup() -> Line:
    """The machine and the versions."""
    import transformers

    gpu = torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if gpu else "CPU",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "vllm": installed(),
    }
