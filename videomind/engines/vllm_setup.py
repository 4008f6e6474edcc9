"""From a bundle and options to the arguments of a vLLM engine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from videomind.engines.vllm_options import VLLMOptions
from videomind.errors import EngineError
from videomind.lora_switch.bundle import DECODER_FILE, EMBEDDINGS_FILE, Bundle
from videomind.lora_switch.files import read_json
from videomind.lora_switch.vllm_plugin import ARCHITECTURE
from videomind.lora_switch.vllm_plugin.owned_process import OWNED
from videomind.lora_switch.vllm_plugin.served_adapter import allotted_rank, write_served
from videomind.lora_switch.vllm_plugin.settings import PluginSettings
from videomind.model.prompt import PromptEncoder
from videomind.roles.spec import CELL, RoleSpec

CPU_KV_CACHE = 1 << 30
WORKER = "videomind.lora_switch.vllm_plugin.worker.ChainWorker"
CLIPS_KEPT_GIB = 1.0
"""Patches of clips that the front end need not send again."""


@dataclass(frozen=True, slots=True)
class ServedRole:
    """A role's adapter as vLLM knows it: its number (from 1) and the folder it is loaded from."""

    number: int
    folder: Path
    rank: int


class AdapterRoom(NamedTuple):
    """The largest rank of an adapter, and the linear layers it may touch."""

    rank: int
    modules: tuple[str, ...]


def prepare_environment() -> None:
    """Settings that vLLM reads when it is imported; what the user has set already stays.

    Our runner extends release V1 of vLLM's model runner, so that one is not left to choice.
    """
    os.environ["VLLM_USE_V2_MODEL_RUNNER"] = "0"
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "1"
    os.environ[OWNED] = "1"
    os.environ.pop("VLLM_CPU_KVCACHE_SPACE", None)  # it would silently win over `kv_cache_memory`
    for name, value in {
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_LOGGING_STREAM": "ext://sys.stderr",
        "HF_HUB_OFFLINE": "1",
    }.items():
        os.environ.setdefault(name, value)


def write_roles(bundle: Bundle, folder: Path) -> dict[str, ServedRole]:
    """Write each role's adapter as vLLM takes it.

    Raises:
        BundleError: an adapter that vLLM cannot serve.
    """
    served = {}
    adapters = {name: role.adapter for name, role in bundle.roles.items() if role.adapter is not None}
    for number, (name, adapter) in enumerate(adapters.items(), start=1):
        rank = write_served(folder / name, adapter, str(bundle.folder / name))
        served[name] = ServedRole(number, folder / name, rank)
    return served


def engine_arguments(
    bundle: Bundle, roles: dict[str, ServedRole], encoder: PromptEncoder, options: VLLMOptions, on_cpu: bool
) -> dict[str, Any]:
    """Keywords of vLLM's `AsyncEngineArgs`.

    Raises:
        EngineError: the options contradict each other or the device.
    """
    if on_cpu and options.tensor_parallel > 1:
        raise EngineError("tensor_parallel above 1 needs GPUs")
    dtype = options.dtype if options.dtype != "auto" else ("float32" if on_cpu else "bfloat16")
    if not on_cpu and dtype == "float32":
        raise EngineError("vLLM's LoRA kernels on a GPU take 16 bits only: leave dtype out, or say bfloat16 or float16")
    views = max(view_tokens(role.spec) for role in bundle.roles.values())
    owned = {
        str(served.number): str(path.resolve())
        for name, served in roles.items()
        if (path := bundle.folder / name / EMBEDDINGS_FILE).exists()
    }
    decoder = bundle.folder / "grounder" / DECODER_FILE
    settings = PluginSettings(
        encoder.mean, encoder.std, views, str(decoder.resolve()) if decoder.exists() else None, owned
    )
    room = adapter_room(bundle, roles, options)
    on_device = max(1, len(roles) + options.adapters_on_device)
    arguments = {
        "model": str(bundle.base),
        "skip_tokenizer_init": True,
        "generation_config": "vllm",
        "hf_overrides": settings.to_overrides(ARCHITECTURE),
        "worker_cls": WORKER,
        "dtype": dtype,
        "quantization": options.quantization,
        "max_model_len": options.max_model_len,
        "max_num_seqs": options.max_num_seqs,
        "max_num_batched_tokens": options.max_num_batched_tokens,
        "enable_prefix_caching": options.prefix_caching,
        "enable_chunked_prefill": True,
        "scheduling_policy": "priority",
        "tensor_parallel_size": options.tensor_parallel,
        "distributed_executor_backend": options.executor,
        "gpu_memory_utilization": options.gpu_memory_utilization,
        "kv_cache_memory_bytes": options.kv_cache_memory or (CPU_KV_CACHE if on_cpu else None),
        "block_size": 32 if on_cpu else 16,
        "enforce_eager": on_cpu or not options.cuda_graphs,
        "limit_mm_per_prompt": {"image": 0, "video": 1},
        "mm_processor_cache_gb": CLIPS_KEPT_GIB,
        "skip_mm_profiling": True,
        "enable_lora": True,
        "max_loras": on_device,
        "max_cpu_loras": on_device + options.adapters_in_memory,
        "max_lora_rank": room.rank,
        "lora_target_modules": list(room.modules),
        "disable_log_stats": True,
        "trust_remote_code": False,
        "load_format": "safetensors",
        "seed": 0,
    }
    return {name: value for name, value in arguments.items() if value is not None}


def adapter_room(bundle: Bundle, roles: dict[str, ServedRole], options: VLLMOptions) -> AdapterRoom:
    """What memory for adapters is set apart for: as much as the roles need, and what the options add."""
    rank = max([options.max_adapter_rank or 1, *(served.rank for served in roles.values())])
    touched = {
        module.rsplit(".", 1)[1] for role in bundle.roles.values() if role.adapter for module in role.adapter.pairs
    }
    modules = touched | set(options.adapter_modules)
    return AdapterRoom(allotted_rank(rank), tuple(sorted(modules or {"q_proj", "k_proj", "v_proj", "o_proj"})))


def merge_size(base: Path) -> int:
    """Side of the patch groups that a base merges into one visual token."""
    return int(read_json(base / "config.json")["vision_config"].get("spatial_merge_size", 2))


def view_tokens(spec: RoleSpec) -> int:
    """Visual tokens of the largest clip a role may see."""
    view = spec.view
    return (view.max_frames + 1) // 2 * max(1, view.max_pixels // CELL)
