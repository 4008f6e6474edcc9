"""Which device and number type an engine runs on."""

from __future__ import annotations

import torch

from videomind.errors import EngineError


def pick_device(name: str) -> torch.device:
    """The device of that name; "auto" is the best there is.

    Raises:
        EngineError: it is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there.get(name.split(":")[0], False):
        raise EngineError(f"device {name!r} is not there; available: {', '.join(k for k, v in there.items() if v)}")
    return torch.device(name)


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The number type of that name; "auto" is float32 on CPU, bfloat16 on CUDA, float16 on MPS.

    Raises:
        EngineError: unknown name.
    """
    types = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if name == "auto":
        return {"cpu": torch.float32, "cuda": torch.bfloat16}.get(device.type, torch.float16)
    if name not in types:
        raise EngineError(f"dtype {name!r} is not known; use auto, {', '.join(types)}")
    return types[name]
