"""Whether an adapter fits a base model, told from the base's config alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from videomind.errors import BundleError
from videomind.lora_switch.adapter import Adapter
from videomind.lora_switch.files import read_json

_MODULE = re.compile(r"layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)")


class TextShape(NamedTuple):
    """Sizes of a Qwen2 text model: layers, hidden size, width of all query heads, of all key heads, of the MLP."""

    layers: int
    hidden: int
    queries: int
    keys: int
    mlp: int

    def of(self, module: str) -> tuple[int, int] | None:
        """(in, out) of a linear layer; None where there is no such layer."""
        match = _MODULE.fullmatch(module)
        if match is None or int(match[1]) >= self.layers:
            return None
        return {
            "q_proj": (self.hidden, self.queries),
            "k_proj": (self.hidden, self.keys),
            "v_proj": (self.hidden, self.keys),
            "o_proj": (self.queries, self.hidden),
            "gate_proj": (self.hidden, self.mlp),
            "up_proj": (self.hidden, self.mlp),
            "down_proj": (self.mlp, self.hidden),
        }.get(match[2])


def text_shape(base: Path) -> TextShape:
    """The sizes in a base's `config.json`."""
    config = read_json(base / "config.json")
    text = config.get("text_config", config)
    heads, hidden = text["num_attention_heads"], text["hidden_size"]
    head = hidden // heads
    keys = text.get("num_key_value_heads", heads) * head
    return TextShape(text["num_hidden_layers"], hidden, heads * head, keys, text["intermediate_size"])


def check_fit(adapter: Adapter, shape: TextShape, where: str) -> None:
    """Raises:
    BundleError: the adapter has a module that this base lacks, or one of another size.
    """
    for module, pair in adapter.pairs.items():
        given, wanted = (pair.a.shape[1], pair.b.shape[0]), shape.of(module)
        if wanted is None:
            raise BundleError(f"{where} is for another base: it adapts {module}, which this base lacks")
        if given != wanted:
            raise BundleError(
                f"{where} is for another base: {module} maps {given[0]} to {given[1]}, in this base "
                f"{wanted[0]} to {wanted[1]}"
            )
