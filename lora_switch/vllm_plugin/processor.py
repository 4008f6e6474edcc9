"""How vLLM takes our clips: frames become patches by `vision`, and the prompt comes with its video run expanded.

A clip is named by the hash of its content, so one that is known already is neither cut nor sent again, whatever text,
role or segment tokens come with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers.feature_extraction_utils import BatchFeature

from videomind.lora_switch.vllm_plugin.settings import settings_of
from videomind.lora_switch.vllm_plugin.stock import (
    MultiModalDataParser,
    MultiModalFieldConfig,
    PlaceholderFeaturesInfo,
    PromptReplacement,
    PromptUpdate,
    Qwen2VLDummyInputsBuilder,
    Qwen2VLMultiModalProcessor,
    Qwen2VLProcessingInfo,
)
from videomind.lora_switch.vllm_plugin.versions import as_processed, prompt_and_updates
from videomind.vision.patches import cut_patches


class VideoInfo(Qwen2VLProcessingInfo):
    """One clip a prompt; no processor of the hub is loaded."""

    def get_data_parser(self) -> MultiModalDataParser:
        return MultiModalDataParser()

    def get_supported_mm_limits(self) -> Mapping[str, int | None]:
        return {"video": 1}

    def get_mm_max_tokens_per_item(self, seq_len: int, mm_counts: Mapping[str, int]) -> Mapping[str, int]:
        return {"video": settings_of(self.get_hf_config()).max_video_tokens}

    def get_supported_mm_processor_kwargs(self) -> dict[str, set[str]]:
        return {}


class VideoDummies(Qwen2VLDummyInputsBuilder):
    """A clip of the largest size, for measuring memory."""

    def get_dummy_text(self, mm_counts: Mapping[str, int]) -> str:
        return ""

    def get_dummy_mm_data(self, seq_len: int, mm_counts: Mapping[str, int], *args: Any, **kwargs: Any) -> Any:
        if not mm_counts.get("video"):
            return {}
        config = self.info.get_hf_config().vision_config
        side = config.patch_size * config.spatial_merge_size
        frames = config.temporal_patch_size * settings_of(self.info.get_hf_config()).max_video_tokens
        return {"video": np.zeros((frames, side, side, 3), np.uint8)}


class VideoProcessor(Qwen2VLMultiModalProcessor):
    """Frames uint8 [T, H, W, 3] of the view's size → uint8 patches and their grid."""

    requires_tokenizer = False

    def _apply_hf_processor_main(self, mm_items: Any, **call: Any) -> Any:
        config = self.info.get_hf_config().vision_config
        cut = [
            cut_patches(
                frames, patch=config.patch_size, merge=config.spatial_merge_size, temporal=config.temporal_patch_size
            )
            for items in mm_items.values()
            for frames in items.get_all()
        ]
        processed = BatchFeature()
        if cut:  # none, where all clips are known
            processed["pixel_values_videos"] = torch.cat([patches.values for patches in cut])
            processed["video_grid_thw"] = torch.tensor([patches.grid for patches in cut])
        return as_processed(processed, call)

    def _get_mm_fields_config(
        self, hf_inputs: Mapping[str, torch.Tensor], hf_processor_mm_kwargs: Mapping[str, object]
    ) -> Mapping[str, MultiModalFieldConfig]:
        grids = hf_inputs.get("video_grid_thw", torch.empty((0, 3), dtype=torch.long))
        return {
            "pixel_values_videos": MultiModalFieldConfig.flat_from_sizes("video", grids.prod(-1)),
            "video_grid_thw": MultiModalFieldConfig.batched("video", keep_on_cpu=True),
        }

    def _get_prompt_updates(
        self, mm_items: Any, hf_processor_mm_kwargs: Mapping[str, object], out_mm_kwargs: Any
    ) -> Sequence[PromptUpdate]:
        config = self.info.get_hf_config()
        pad, merged = config.video_token_id, config.vision_config.spatial_merge_size**2

        def run(index: int) -> list[int]:
            return [pad] * (int(out_mm_kwargs["video"][index]["video_grid_thw"].data.prod()) // merged)

        return [PromptReplacement(modality="video", target=[pad], replacement=run)]

    def _maybe_apply_prompt_updates(self, mm_items: Any, **call: Any) -> tuple[list[int], Any]:
        ids, (updates,) = prompt_and_updates(call)
        wanted = len(updates[0].content.full)
        pad = self.info.get_hf_config().video_token_id
        places = np.flatnonzero(np.asarray(ids) == pad)
        if len(places) != wanted:
            raise ValueError(f"the prompt has {len(places)} video tokens, the clip needs {wanted}")
        first, last = int(places[0]), int(places[-1])
        run = ids[first : last + 1]
        mask = None if len(run) == wanted else torch.tensor(run) == pad
        return ids, {"video": [PlaceholderFeaturesInfo("video", 0, first, run, mask)]}
