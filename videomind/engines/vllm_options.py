"""How a vLLM engine is set up. Read from a TOML file (`--engine-config`), or given as keywords in Python."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from videomind.engines.options_file import Bytes

Module = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class VLLMOptions(BaseModel):
    """Options of `VLLMEngine`.

    Attributes:
        dtype: number type of the weights; "auto" is float32 on CPU, else bfloat16.
        kv_cache_memory: bytes of the KV cache ("4GiB"); None is 1 GiB on CPU, and on a GPU what
            `gpu_memory_utilization` leaves.
        gpu_memory_utilization: share of a GPU's memory that vLLM may take in all.
        max_model_len: longest prompt with reply, in tokens; None is the model's context.
        max_num_seqs: requests in one batch at most.
        max_num_batched_tokens: tokens in one forward at most; longer prompts are computed in pieces.
        max_waiting: requests that may wait beyond those in the batch before `EngineBusy` is raised.
        prefix_caching: keep KV for reuse.
        tensor_parallel: over how many GPUs each layer is split.
        executor: how processes of several GPUs are run: "mp" on one machine, "ray" on several; None leaves it to vLLM.
        quantization: vLLM's name of a quantization ("fp8", "awq", …) for the base's weights, or None.
        adapters_on_device: answerer adapters for which there is room on the device beside the roles' own; as many
            adapters as there is room for may act in one batch, the least recently used make place.
        adapters_in_memory: answerer adapters kept in main memory; the least recently used go first, roles never.
        max_adapter_rank: largest rank of an answerer adapter; None is that of the roles.
        adapter_modules: linear layers ("up_proj", …) that answerer adapters may touch beside those of the roles.
        cuda_graphs: capture CUDA graphs (faster on GPU, slower to start).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    kv_cache_memory: Bytes | None = None
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1)
    max_model_len: int | None = Field(default=None, ge=64)
    max_num_seqs: int = Field(default=64, ge=1, le=4096)
    max_num_batched_tokens: int = Field(default=8192, ge=64)
    max_waiting: int = Field(default=1024, ge=0)
    prefix_caching: bool = True
    tensor_parallel: int = Field(default=1, ge=1, le=64)
    executor: Literal["mp", "ray"] | None = None
    quantization: str | None = Field(default=None, max_length=100)
    adapters_on_device: int = Field(default=4, ge=0, le=512)
    adapters_in_memory: int = Field(default=64, ge=0, le=100_000)
    max_adapter_rank: int | None = Field(default=None, ge=1, le=512)
    adapter_modules: tuple[Module, ...] = ()
    cuda_graphs: bool = True
