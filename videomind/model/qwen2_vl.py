"""Qwen2-VL: transformers' weights and layers, driven by us. All that is specific to this backbone stands here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from videomind.errors import BundleError
from videomind.lora_switch.files import read_json
from videomind.model.visual import encode_view

MODEL_TYPE = "qwen2_vl"


class Qwen2VLBackbone:
    """A loaded Qwen2-VL whose text model gives states *before* the final norm.

    Attributes:
        text: the text model; its linear layers are open to adapters. Its final norm is taken off.
        embed_tokens, lm_head: the base's input embedding and output projection.
        hidden_size: H.
        hidden_act: the activation, which the timestamp decoder shares.
        patch: side of a visual patch in pixels.
        merge: side of the patch groups merged into one visual token.
    """

    def __init__(self, model: Any) -> None:
        config = model.config
        self.text: nn.Module = model.model.language_model
        self.visual: nn.Module = model.model.visual
        self.embed_tokens: nn.Embedding = self.text.embed_tokens
        self.lm_head: nn.Linear = model.lm_head
        self.final_norm: nn.Module = self.text.norm
        self.text.norm = nn.Identity()
        self.hidden_size: int = config.text_config.hidden_size
        self.hidden_act: str = config.text_config.hidden_act
        self.max_length: int = config.text_config.max_position_embeddings
        self.patch: int = config.vision_config.patch_size
        self.merge: int = config.vision_config.spatial_merge_size

    @classmethod
    def from_pretrained(cls, folder: Path, device: torch.device, dtype: torch.dtype) -> Qwen2VLBackbone:
        """Load for inference; as `load_model`."""
        return cls(load_model(folder, dtype).to(device).eval().requires_grad_(False))

    def parameters_bytes(self) -> int:
        """Bytes of the base's weights (tied weights counted once)."""
        modules = (self.text, self.visual, self.lm_head, self.final_norm)
        weights = {p.data_ptr(): p.numel() * p.element_size() for m in modules for p in m.parameters()}
        return sum(weights.values())

    def encode(self, patches_NP: Tensor, grid: tuple[int, int, int]) -> Tensor:
        """Visual tokens [T·h·w / merge², H] of one view's patches."""
        return encode_view(self.visual, patches_NP, grid)

    def forward(self, embeds_BLH: Tensor, positions_3BL: Tensor) -> Tensor:
        """Hidden states [B, L, H] before the final norm by transformers' own forward, which has gradients.

        Args:
            embeds_BLH: input embeddings, visual tokens in place.
            positions_3BL: multimodal RoPE positions.
        """
        states: Tensor = self.text(
            inputs_embeds=embeds_BLH, position_ids=positions_3BL, attention_mask=None, use_cache=False
        ).last_hidden_state
        return states


def load_model(folder: Path, dtype: torch.dtype) -> Any:
    """transformers' model from a local folder of safetensors; nothing is fetched and nothing is unpickled.

    Raises:
        BundleError: the folder holds no usable Qwen2-VL.
    """
    from transformers import AutoConfig, Qwen2VLForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if config.model_type != MODEL_TYPE:
            raise BundleError(f"{folder} is a {config.model_type} model; supported backbone: {MODEL_TYPE}")
        return Qwen2VLForConditionalGeneration.from_pretrained(
            folder, config=config, dtype=dtype, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"cannot load the base model at {folder}: {_first_line(error)}") from error


def stored_dtype(folder: Path) -> torch.dtype:
    """The number type that a base's config names; float32 where it names none."""
    config = read_json(folder / "config.json")
    name = config.get("dtype") or config.get("torch_dtype") or "float32"
    return {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(name, torch.float32)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
