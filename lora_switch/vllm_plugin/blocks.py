"""Base-aligned block hashes: KV computed before an activated LoRA acts is the base model's, and is shared as such.

Source: Activated LoRA (arXiv 2504.12397). vLLM hashes a block together with the name of the request's adapter; a block
that ends before the adapter's first token is hashed without it, so the base and all roles find each other's blocks.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from videomind.lora_switch.vllm_plugin.notes import notes_of

_NAME = "generate_block_hash_extra_keys"


class _WithoutAdapter:
    """A request as it would be on the base model."""

    lora_request = None

    def __init__(self, request: Any) -> None:
        self._request = request

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)


def share_blocks_before_adapter() -> None:
    """Replace the function that adds keys to block hashes, wherever it has been imported. May be called again."""
    import vllm.v1.core.kv_cache_utils as owner

    stock = getattr(owner, _NAME)
    if getattr(stock, "base_aligned", False):
        return

    @functools.wraps(stock)
    def base_aligned(request: Any, start: int, end: int, *args: Any, **kwargs: Any) -> Any:
        if request.lora_request is not None:
            notes = notes_of(request.sampling_params)
            if notes is not None and end <= notes.base_until:
                request = _WithoutAdapter(request)
        return stock(request, start, end, *args, **kwargs)

    base_aligned.base_aligned = True  # type: ignore[attr-defined]
    for name, module in list(sys.modules.items()):
        if name.startswith("vllm.") and getattr(module, _NAME, None) is stock:
            setattr(module, _NAME, base_aligned)
