"""vLLM workers with our runner. An engine asks for one by `worker_cls`."""

from __future__ import annotations

from typing import Any

import torch
import torch._dynamo
from vllm.platforms import current_platform

from videomind.lora_switch.vllm_plugin.runner import ChainRunner

if current_platform.is_cpu():
    import vllm.v1.worker.cpu_worker as stock
    from vllm.v1.worker.cpu_model_runner import CPUModelRunner as _StockRunner
    from vllm.v1.worker.cpu_worker import CPUWorker as _StockWorker

    from videomind.kernels.punica_cpu import GroupedPunica

    _RUNNER = "CPUModelRunner"
else:
    import vllm.v1.worker.gpu_model_runner as stock
    from vllm.v1.worker.gpu_model_runner import GPUModelRunner as _StockRunner
    from vllm.v1.worker.gpu_worker import Worker as _StockWorker

    _RUNNER = "GPUModelRunner"


class Runner(ChainRunner, _StockRunner):
    """The runner of the device that is there."""


class ChainWorker(_StockWorker):
    """Builds our runner in place of the stock one, and answers the engine's calls."""

    def init_device(self) -> None:
        _prepare_cpu()
        replaced = getattr(stock, _RUNNER)
        setattr(stock, _RUNNER, Runner)
        try:
            super().init_device()
        finally:
            setattr(stock, _RUNNER, replaced)

    def take_outcomes(self, keys: list[str]) -> list[dict[str, Any]]:
        """See `ChainRunner.take_outcomes`."""
        return self.model_runner.take_outcomes(keys)

    def forget(self) -> None:
        """See `ChainRunner.forget`."""
        self.model_runner.forget()

    def keep_in_memory(self, number: int) -> None:
        """Never drop a loaded adapter from main memory.

        vLLM's own pinning also keeps a slot of the device for it, of which its scheduler knows nothing: with pinned
        roles it puts more adapters into a batch than there are slots left, and fails.
        """
        self.model_runner.lora_manager._adapter_manager._pin_lora_in_cpu_cache(number)

    def forwards(self) -> int:
        """How many forwards there have been."""
        return self.model_runner.forwards

    def preempted(self) -> int:
        """How often a request had to give its KV to others, and was computed anew."""
        return self.model_runner.preempted

    def kv_bytes_per_token(self) -> int:
        """Bytes that a token takes in the paged cache of this rank: keys, values, and its hidden state."""
        groups = self.model_runner.kv_cache_config.kv_cache_groups
        return sum(group.kv_cache_spec.page_size_bytes // group.kv_cache_spec.block_size for group in groups)


def _prepare_cpu() -> None:
    """On CPU, in this process: our LoRA kernel (see `kernels/punica_cpu.py`), and nothing compiled.

    vLLM's sampler would compile a few lines for log-probabilities, when first asked for some: seconds for nothing.
    """
    if current_platform.is_cpu():
        torch._dynamo.config.disable = True
        name = f"{GroupedPunica.__module__}.{GroupedPunica.__name__}"
        type(current_platform).get_punica_wrapper = classmethod(lambda cls: name)
