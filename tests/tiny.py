"""A tiny random Qwen2-VL with random roles in the bundle layout: nothing is learned, everything runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from videomind.lora_switch.adapter import Adapter, LoRAPair
from videomind.lora_switch.bundle import Manifest, Role, save_manifest, save_role
from videomind.model.decoder import TimestampDecoder
from videomind.roles.spec import CELL, RoleSpec, View

HIDDEN, LAYERS, HEADS, KV_HEADS = 64, 2, 4, 2
SPECIALS = (
    "<|im_end|>",
    "<|im_start|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|video_pad|>",
    "<|reg|>",
    "<|seg_start|>",
    "<|seg_end|>",
    "Yes",
    "No",
)
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}"
    "{% if c.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>{% else %}{{ c.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VIEW = View(fps=1.0, max_frames=16, min_pixels=4 * CELL, max_pixels=4 * CELL)
RANKS = {"planner": 4, "grounder": 8, "verifier": 2}


def write_tokenizer(folder: Path, specials: Sequence[str] = SPECIALS) -> int:
    """A byte-level tokenizer without merges; returns its size."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(specials))
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|im_end|>",
        "chat_template": TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    pixels = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels))
    return tokenizer.get_vocab_size()


def write_base(
    folder: Path, seed: int = 0, hidden: int = HIDDEN, specials: Sequence[str] = SPECIALS, spare: int = 0
) -> int:
    """A random base model with its tokenizer and spare rows in its embedding; returns the size of the vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder, specials) + spare
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    torch.manual_seed(seed)
    head_dim = hidden // HEADS
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": vocabulary,
            "hidden_size": hidden,
            "intermediate_size": 2 * hidden,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": KV_HEADS,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [head_dim // 2 - 2 * (head_dim // 6), head_dim // 6, head_dim // 6],
            },
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|im_end|>"],
            "max_position_embeddings": 4096,
        },
        vision_config={"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": hidden, "mlp_ratio": 2},
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    model = Qwen2VLForConditionalGeneration(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    model.save_pretrained(folder)
    return vocabulary


def random_adapter(rank: int, vocabulary: int = 0, hidden: int = HIDDEN, seed: int = 0) -> Adapter:
    """A random adapter on q, k, v, o; with its own embeddings where `vocabulary` is given."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.2

    kv = hidden * KV_HEADS // HEADS
    outputs = {"q_proj": hidden, "k_proj": kv, "v_proj": kv, "o_proj": hidden}
    pairs = {
        f"layers.{layer}.self_attn.{name}": LoRAPair(normal(rank, hidden), normal(size, rank), 2.0)
        for layer in range(LAYERS)
        for name, size in outputs.items()
    }
    names = ("embed_tokens.weight", "lm_head.weight") if vocabulary else ()
    return Adapter(pairs, {name: normal(vocabulary, hidden) for name in names})


def spec(name: str) -> RoleSpec:
    return RoleSpec(
        name=name,
        prompt="" if name == "answerer" else f"As the {name}: {{query}}",
        view=VIEW,
        reply_prefix="In <|reg|>." if name == "grounder" else "",
        max_new_tokens=8,
        min_span={"verifier": 2.0, "answerer": 8.0}.get(name, 0.0),
    )


def write_bundle(folder: Path, roles: Sequence[str] = ("planner", "grounder", "verifier", "answerer")) -> Path:
    """A whole bundle with its base inside; the verifier owns embeddings, the answerer is the base model."""
    vocabulary = write_base(folder / "base")
    for seed, name in enumerate(roles):
        adapter = None
        if name in RANKS:
            adapter = random_adapter(RANKS[name], vocabulary if name == "verifier" else 0, seed=seed)
        torch.manual_seed(seed)
        decoder = TimestampDecoder(HIDDEN, dims=32).state_dict() if name == "grounder" else None
        save_role(folder / name, Role(spec(name), adapter, decoder))
    save_manifest(folder, Manifest(name="tiny", base="base", roles=tuple(roles)))
    return folder
