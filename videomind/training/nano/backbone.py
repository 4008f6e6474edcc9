"""The architecture of the embedded model: Qwen2-VL, made small."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration


@dataclass(frozen=True, slots=True)
class Size:
    """Widths and depths of the backbone; text heads are 32 wide, their rotary half is split 8 + 4 + 4."""

    visual_depth: int = 3
    visual_width: int = 128
    text_depth: int = 4
    text_width: int = 192
    feed_forward: int = 512
    heads: int = 6
    kv_heads: int = 2


def build_backbone(vocabulary: dict[str, int], size: Size | None = None) -> Qwen2VLForConditionalGeneration:
    """A randomly initialised backbone in float32 (seed torch first).

    Args:
        vocabulary: token → id of its tokenizer, with Qwen2-VL's control tokens.
        size: default `Size()`.
    """
    size = size or Size()
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(vocabulary),
            "hidden_size": size.text_width,
            "intermediate_size": size.feed_forward,
            "num_hidden_layers": size.text_depth,
            "num_attention_heads": size.heads,
            "num_key_value_heads": size.kv_heads,
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [8, 4, 4]},
            "rms_norm_eps": 1e-6,
            "bos_token_id": vocabulary["<|endoftext|>"],
            "eos_token_id": vocabulary["<|im_end|>"],
            "pad_token_id": vocabulary["<|endoftext|>"],
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": size.visual_depth,
            "embed_dim": size.visual_width,
            "hidden_size": size.text_width,
            "num_heads": size.visual_width // 32,
            "mlp_ratio": 4,
        },
        image_token_id=vocabulary["<|image_pad|>"],
        video_token_id=vocabulary["<|video_pad|>"],
        vision_start_token_id=vocabulary["<|vision_start|>"],
        vision_end_token_id=vocabulary["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    model = Qwen2VLForConditionalGeneration(config).float()
    torch.nn.init.normal_(model.model.visual.patch_embed.proj.weight, std=0.02)
    return model
