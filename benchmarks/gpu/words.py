"""A tokenizer of which every token is a word, so that what a random model says can be read back token by token."""

from __future__ import annotations

import itertools
import json
import string
from pathlib import Path
from random import Random

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

REPLY = "<|reply|>"
"""Ends every prompt, and stands nowhere else in it."""
REG, STOP = "<|reg|>", "<|im_end|>"
SPECIALS = (
    STOP,
    "<|im_start|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|video_pad|>",
    REG,
    "<|seg_start|>",
    "<|seg_end|>",
    REPLY,
    "Yes",
    "No",
)
BYTES = 256
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% for c in m.content %}"
    "{% if c.type == 'video' %}<|vision_start|><|video_pad|><|vision_end|>{% else %}{{ c.text }}{% endif %}"
    f"{{% endfor %}}{STOP}\n{{% endfor %}}{{% if add_generation_prompt %}}<|im_start|>assistant{REPLY}{{% endif %}}"
)
RESERVED = 32
"""The first words are kept for drafts and invocations; questions and prompts use the others."""
_PLACES = {"draft": (0, 5), "planner": (8, 4), "grounder": (12, 4), "verifier": (16, 4)}


def words(vocabulary: int) -> list[str]:
    """The words of a vocabulary of this size: every one is a token where a space precedes it."""
    letters = map("".join, itertools.product(string.ascii_lowercase, repeat=4))
    return list(itertools.islice(letters, vocabulary - BYTES - len(SPECIALS)))


def sentence(vocabulary: int, count: int, seed: str) -> str:
    """As many words, drawn by a seed."""
    return "".join(f" {word}" for word in Random(seed).choices(words(vocabulary)[RESERVED:], k=count))


def draft(vocabulary: int) -> str:
    """The fixed reply of a grounder, which holds `<|reg|>`; all of its tokens are different ones."""
    *before, last = _reserved(vocabulary, "draft")
    return f"{''.join(before)}{REG}{last}"


def invocation(vocabulary: int, role: str) -> str:
    """The words from which on a role's activated adapter acts."""
    return "".join(_reserved(vocabulary, role))


def write_tokenizer(folder: Path, vocabulary: int) -> Tokenizer:
    """Write tokenizer, chat template and pixel statistics: bytes, then words, then special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    known = {text: number for number, text in enumerate([*alphabet, *(f"Ġ{word}" for word in words(vocabulary))])}
    tokenizer = Tokenizer(models.BPE(known, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIALS))
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": STOP,
        "pad_token": STOP,
        "chat_template": TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    pixels = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels))
    return tokenizer


def _reserved(vocabulary: int, kind: str) -> list[str]:
    first, count = _PLACES[kind]
    return [f" {word}" for word in words(vocabulary)[first : first + count]]
