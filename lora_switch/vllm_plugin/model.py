"""Qwen2-VL in vLLM, as the chain needs it: states before the final norm, roles' own tables, published positions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from videomind.lora_switch.vllm_plugin.padded_heads import padded_heads
from videomind.lora_switch.vllm_plugin.pages import StatePages
from videomind.lora_switch.vllm_plugin.processor import VideoDummies, VideoInfo, VideoProcessor
from videomind.lora_switch.vllm_plugin.role_tables import RoleTables
from videomind.lora_switch.vllm_plugin.settings import settings_of
from videomind.lora_switch.vllm_plugin.stock import MULTIMODAL_REGISTRY, Qwen2VLForConditionalGeneration, RMSNorm
from videomind.model.positions import mrope_positions
from videomind.vision.patches import normalize_patches


class _LateNorm(RMSNorm):
    """The final norm in two parts: the text model only adds the residual, the norm itself comes before the logits."""

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Any:
        return x if residual is None else (x + residual, residual)

    def finish(self, x: Tensor) -> Tensor:
        normed: Tensor = super().forward(x)
        return normed


@MULTIMODAL_REGISTRY.register_processor(VideoProcessor, info=VideoInfo, dummy_inputs=VideoDummies)
class VideoMindQwen2VL(Qwen2VLForConditionalGeneration):
    """The backbone of all roles.

    `forward` gives states before the final norm; `compute_logits` norms them. The runner (`runner.py`) tells
    `tables` whose tokens a batch holds and keeps the states in `pages`.
    """

    supports_mm_device_do_normalize = False
    """Pixels reach the tower normalised, so it need not ask the hub's processor how."""

    def __init__(self, *, vllm_config: Any, prefix: str = "") -> None:
        config = vllm_config.model_config.hf_config
        text = config.get_text_config()
        with padded_heads(text.hidden_size // text.num_attention_heads):
            super().__init__(vllm_config=vllm_config, prefix=prefix)
        self.settings = settings_of(config)
        self.language_model.model.norm.__class__ = _LateNorm
        self.pages = StatePages(text.hidden_size, text.num_hidden_layers, vllm_config.cache_config)
        self.tables: RoleTables | None = None

    def load_weights(self, weights: Any) -> Any:
        loaded = super().load_weights(weights)
        self.tables = RoleTables(self.settings.owned, self.language_model.lm_head.weight)
        return loaded

    def get_mrope_input_positions(self, input_tokens: list[int], mm_features: list[Any]) -> tuple[Tensor, int]:
        """Positions [3, L] and their distance to the plain ones, as published checkpoints were trained."""
        grids = [tuple(f.data["video_grid_thw"].data.tolist()) for f in mm_features]
        positions = mrope_positions(
            input_tokens,
            grids[0] if grids else (0, 0, 0),
            vision_start=self.config.vision_start_token_id,
            video_pad=self.config.video_token_id,
            merge=self.config.vision_config.spatial_merge_size,
        )
        return torch.from_numpy(positions), int(positions.max()) + 1 - len(input_tokens)

    def embed_multimodal(self, **kwargs: Any) -> Any:
        patches, grids = kwargs["pixel_values_videos"], kwargs["video_grid_thw"]
        pixels = normalize_patches(patches.to(self.visual.device), self.settings.mean, self.settings.std)
        tokens = self.visual(pixels.to(self.visual.dtype), grid_thw=grids)
        sizes = grids.prod(-1) // self.visual.spatial_merge_size**2
        return tokens.split(sizes.tolist())

    def embed_input_ids(
        self, input_ids: Tensor, multimodal_embeddings: Any = None, *, is_multimodal: Tensor | None = None
    ) -> Tensor:
        embeds: Tensor = super().embed_input_ids(input_ids, multimodal_embeddings, is_multimodal=is_multimodal)
        return embeds if self.tables is None else self.tables.embed(embeds, input_ids, is_multimodal)

    def compute_logits(self, hidden_states: Tensor) -> Tensor | None:
        normed = self.language_model.model.norm.finish(hidden_states)
        logits: Tensor | None = super().compute_logits(normed)
        return logits if logits is None or self.tables is None else self.tables.score(logits, normed)

    def logits_as(self, adapter: int, states_NH: Tensor) -> Tensor | None:
        """Logits [N, V] of any states as one adapter scores them; None on ranks that do not gather them."""
        normed = self.language_model.model.norm.finish(states_NH)
        head = self.language_model.lm_head
        processor = self.language_model.logits_processor
        processor = getattr(processor, "base_layer", processor)  # adapters of roles never touch the head
        logits: Tensor | None = processor(getattr(head, "base_layer", head), normed)
        assert self.tables is not None
        return None if logits is None else self.tables.score_as(adapter, logits, normed)
