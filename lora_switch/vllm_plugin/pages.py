"""Hidden states in the pages of the KV cache: right for cold, prefix-cached, chunked and preempted requests alike.

The timestamp decoder reads the states of tokens whose forward may have been an earlier step's or another request's.
So the states before the final norm are kept beside the keys and values of their token, in the same blocks.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from videomind.lora_switch.vllm_plugin.stock import (
    AttentionCGSupport,
    CacheOnlyAttentionBackend,
    CacheOnlyAttentionLayer,
    CacheOnlyAttentionMetadataBuilder,
    MLAAttentionSpec,
    get_forward_context,
    is_forward_context_available,
)


class _Metadata(CacheOnlyAttentionMetadataBuilder):
    _cudagraph_support = AttentionCGSupport.ALWAYS


class _Backend(CacheOnlyAttentionBackend):
    """States are written after the model's forward, outside any CUDA graph: they forbid none.

    Stock vLLM takes such a layer for part of the forward, and would capture no whole decoding step because of it.
    """

    @staticmethod
    def get_builder_cls() -> type[CacheOnlyAttentionMetadataBuilder]:
        return _Metadata


class StatePages(CacheOnlyAttentionLayer):
    """A layer that computes nothing and owns H numbers a token in the paged cache.

    Its spec is of the full-attention family, so it shares the block table of the attention layers.
    """

    def __init__(self, hidden_size: int, layers: int, cache_config: Any) -> None:
        super().__init__(1, hidden_size, cache_config, prefix=f"videomind_states.{layers}")
        self.attn_backend = _Backend

    def get_kv_cache_spec(self, vllm_config: Any) -> MLAAttentionSpec:
        return MLAAttentionSpec(
            block_size=vllm_config.cache_config.block_size,
            num_kv_heads=self.num_heads,
            head_size=self.head_size,
            dtype=self.kv_cache_torch_dtype,
        )

    def write(self, states_NH: Tensor) -> None:
        """Keep the states of the tokens of this forward; call it inside its forward context."""
        if not is_forward_context_available() or not self.kv_cache.numel():
            return
        mappings = get_forward_context().slot_mapping
        slots = mappings.get(self.layer_name) if isinstance(mappings, dict) else None
        if slots is None:
            return
        pages = self._pages()
        block, offset = _places(slots.clamp_min(0), pages.shape[1])  # padding goes to the null block
        pages[block, offset] = states_NH[: len(slots)]

    def read(self, slots_N: Tensor) -> Tensor:
        """The states [N, H] in these slots."""
        pages = self._pages()
        return pages[_places(slots_N, pages.shape[1])]

    def _pages(self) -> Tensor:
        """The cache as [blocks, block size, H]. There is one head; it stands before or after the block size."""
        pages: Tensor = self.kv_cache.view(len(self.kv_cache), -1, self.head_size)
        return pages


def _places(slots: Tensor, size: int) -> tuple[Tensor, Tensor]:
    return torch.div(slots, size, rounding_mode="floor"), slots % size
