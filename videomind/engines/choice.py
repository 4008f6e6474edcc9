"""Which engine runs a bundle."""

from __future__ import annotations

from pathlib import Path

from videomind.engines.base import Engine
from videomind.errors import InputError
from videomind.lora_switch.bundle import Bundle

ENGINES = ("torch", "vllm")


def start_engine(bundle: Bundle, name: str, device: str, dtype: str, compat: bool, config: Path | None) -> Engine:
    """Start an engine; the arguments are those of `Agent.from_pretrained`.

    Raises:
        InputError: no engine of this name, or settings it does not have.
        EngineError: it does not start.
    """
    if name == "torch":
        if config is not None:
            raise InputError(f"{config} holds options of the vLLM engine: say --engine vllm too")
        from videomind.engines.torch_engine import TorchEngine

        return TorchEngine(bundle, device, dtype, compat)
    if name != "vllm":
        raise InputError(f"no engine {name!r}: choose from {', '.join(ENGINES)}")
    from videomind.engines.vllm_engine import VLLMEngine
    from videomind.engines.vllm_options import read_options

    if device != "auto":
        raise InputError(f"the vLLM engine runs on the device its build is for; leave --device {device} out")
    options = read_options(config)
    if dtype != "auto":
        options = options.model_copy(update={"dtype": dtype})
    return VLLMEngine(bundle, options, compat)
