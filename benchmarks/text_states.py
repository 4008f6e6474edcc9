"""States of plain texts under adapters by the torch engine's text model, to compare with PEFT's."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from videomind.kernels.lora import route
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.kv_cache import KVTree
from videomind.model.text import Grown, TextDecoder


def text_states(text: Any, switch: RoleSwitch, ids_BL: Tensor, adapters_BL: Tensor) -> Tensor:
    """Hidden states [B, L, H], after the final norm, of texts of one length in one packed forward.

    Args:
        text: transformers' Qwen2-VL text model; its layers are joined (see `TextDecoder`).
        switch: the adapters.
        ids_BL: the texts, embedded as the base does.
        adapters_BL: adapter index of each token.
    """
    decoder = TextDecoder(text, switch)
    count, length = ids_BL.shape
    trees = [KVTree(decoder.kv_shape, room=length) for _ in range(count)]
    for tree in trees:
        tree.extend([0] * length)
    positions = torch.arange(length).repeat(3, count)
    with torch.inference_mode():
        embeds = text.embed_tokens(ids_BL).flatten(0, 1)
        states = decoder.forward(embeds, positions, route(adapters_BL), [Grown(tree, length) for tree in trees])
        normed: Tensor = text.norm(states).view(count, length, -1)
    return normed
