"""A random Qwen2-VL, made tensor by tensor in the number type it is stored in."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from benchmarks.gpu.sizes import Size
from benchmarks.gpu.words import BYTES, SPECIALS, write_tokenizer

GAIN = 0.78
"""What a matrix does to the length of its input: that of Qwen2's own initialisation at width 1536."""
SHARP = 2.2
"""By how much queries and keys of the text model are larger than that, so that attention singles tokens out."""
QUIET = 0.1
"""By how much tokens that are no words are less loud, so that greedy replies are words."""
Draw = Callable[..., Tensor]
"""Normal numbers of a shape, on the device and of the type of the model."""


def drawer(size: Size, seed: int, device: torch.device) -> Draw:
    """A source of random tensors for a model."""
    generator = torch.Generator(device).manual_seed(seed)
    dtype = getattr(torch, size.dtype)

    def draw(*shape: int, scale: float = 1.0) -> Tensor:
        return torch.randn(shape, generator=generator, device=device, dtype=dtype).mul_(scale).cpu()

    return draw


def table(size: Size, draw: Draw) -> Tensor:
    """An embedding or output projection [V, H]: bytes and special tokens are quieter than words."""
    rows = draw(size.vocabulary, size.hidden, scale=GAIN / math.sqrt(size.hidden))
    rows[:BYTES] *= QUIET
    rows[-len(SPECIALS) :] *= QUIET
    return rows


def write_base(folder: Path, size: Size, device: torch.device) -> Tokenizer:
    """Write the base, under the names that published checkpoints use; gives its tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = write_tokenizer(folder, size.vocabulary)
    config = model_config(size, tokenizer)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Qwen2VLForConditionalGeneration(config).state_dict().items()}
    draw = drawer(size, 0, device)
    tensors = {stored_name(n): _tensor(n, shape, size, draw) for n, shape in shapes.items() if n != "lm_head.weight"}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(folder)
    return tokenizer


def model_config(size: Size, tokenizer: Tokenizer) -> Qwen2VLConfig:
    """The config of a model of this size."""
    ids = {token: tokenizer.token_to_id(token) for token in SPECIALS}
    third = size.head // 16 * 3  # of a head's half, two eighths are for time, three for height, three for width
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": size.vocabulary,
            "hidden_size": size.hidden,
            "intermediate_size": size.mlp,
            "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads,
            "num_key_value_heads": size.kv_heads,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [size.head // 2 - 2 * third, third, third],
            },
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|im_end|>"],
            "max_position_embeddings": size.context,
        },
        vision_config={
            "depth": size.depth,
            "embed_dim": size.vision,
            "num_heads": size.vision_heads,
            "hidden_size": size.hidden,
        },
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    config.architectures = ["Qwen2VLForConditionalGeneration"]
    config.dtype = getattr(torch, size.dtype)
    return config


def stored_name(name: str) -> str:
    """A parameter's name in files: that of transformers before 5."""
    return name.replace("model.language_model.", "model.", 1).replace("model.visual.", "visual.", 1)


def _tensor(name: str, shape: torch.Size, size: Size, draw: Draw) -> Tensor:
    if name.endswith("embed_tokens.weight"):
        return table(size, draw)
    if len(shape) > 1:
        sharp = SHARP if name.endswith(("self_attn.q_proj.weight", "self_attn.k_proj.weight")) else 1.0
        return draw(*shape, scale=sharp * GAIN / math.sqrt(math.prod(shape[1:])))
    noise = draw(*shape, scale=0.05)
    return noise.add_(1) if name.endswith("weight") else noise
