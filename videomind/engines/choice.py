"""Which engine runs a bundle."""

from __future__ import annotations

from pathlib import Path

from videomind.engines.base import Engine
from videomind.engines.options_file import read_options
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
        from videomind.engines.torch_engine import TorchEngine
        from videomind.engines.torch_options import TorchOptions

        return TorchEngine(bundle, device, dtype, compat, read_options(TorchOptions, config))
    if name != "vllm":
        raise InputError(f"no engine {name!r}: choose from {', '.join(ENGINES)}")
    from videomind.engines.vllm_engine import VLLMEngine
    from videomind.engines.vllm_options import VLLMOptions

    if device != "auto":
        raise InputError(f"the vLLM engine runs on the device its build is for; leave --device {device} out")
    options = read_options(VLLMOptions, config)
    if dtype != "auto":
        options = options.model_copy(update={"dtype": dtype})
    return VLLMEngine(bundle, options, compat)
