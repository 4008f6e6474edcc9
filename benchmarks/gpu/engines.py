"""Starting vLLM with a bundle for a measurement, and ending it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from videomind.engines import vllm_engine
from videomind.engines.vllm_engine import VLLMEngine
from videomind.engines.vllm_options import VLLMOptions
from videomind.lora_switch.bundle import load_bundle

ON_GPU = {"kv_cache_memory": 16 << 30, "gpu_memory_utilization": 0.5}
ON_CPU = {"kv_cache_memory": 256 << 20}
BATCH = 64
"""Requests that the engine takes at once."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How an engine is started: fields of `VLLMOptions`, and keywords of vLLM's own beside them."""

    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    own: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@contextmanager
def started(folder: Path, dtype: str, settings: Settings) -> Iterator[VLLMEngine]:
    """A running engine."""
    given = {"dtype": dtype, "max_num_seqs": BATCH, "adapters_on_device": 0, "adapters_in_memory": 0}
    given |= ON_GPU if torch.cuda.is_available() else ON_CPU
    stock = vllm_engine.engine_arguments

    def with_own(*args: Any) -> dict[str, Any]:
        return stock(*args) | settings.own

    began = time.perf_counter()
    with patch.object(vllm_engine, "engine_arguments", with_own):
        engine = VLLMEngine(load_bundle(folder), VLLMOptions(**given | settings.options))
    try:
        print(f"vLLM started in {time.perf_counter() - began:.0f} s", flush=True)
        yield engine
    finally:
        engine.close()


def in_effect(engine: VLLMEngine) -> dict[str, Any]:
    """What vLLM has made of settings that it decides on by itself."""
    config = engine._llm.vllm_config
    return {
        "async_scheduling": bool(config.scheduler_config.async_scheduling),
        "cudagraph_mode": str(config.compilation_config.cudagraph_mode),
        "largest_cudagraph": config.compilation_config.max_cudagraph_capture_size,
        "max_num_batched_tokens": config.scheduler_config.max_num_batched_tokens,
    }
