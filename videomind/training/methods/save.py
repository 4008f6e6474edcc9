"""From the adapter in training to the files of a role."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import peft
import torch
from torch import Tensor

from videomind.lora_switch.adapter import Adapter, LoRAPair, write_adapter
from videomind.lora_switch.peft_files import ADAPTER, adapted_layers, peft_state, write_peft
from videomind.training.methods.beginning import beginning, factors, scale_of


def save_adapter(model: peft.PeftModel, folder: Path) -> None:
    """Write `adapter_config.json` and `adapter_model.safetensors`, for the base as it was before training.

    All kinds of LoRA become what the torch engine serves: plain LoRA, aLoRA or DoRA. What began by changing the base
    (PiSSA, OLoRA, LoRA-GA) becomes plain LoRA of twice the rank. Other kinds are written as PEFT has them, for
    `videomind convert --to lora`. Names are those of transformers 5's whole model.

    Args:
        model: from `attach`.
        folder: the role's folder; made if needed.
    """
    settings = model.peft_config[ADAPTER]
    if settings.peft_type == peft.PeftType.LORA:
        write_adapter(folder, to_adapter(model))
    else:
        write_peft(folder, _as_json(settings), peft_state(model))


def to_adapter(model: peft.PeftModel) -> Adapter:
    """A LoRA of any beginning, as bundles keep it.

    Args:
        model: from `attach`, with one of the methods that train a LoRA.
    """
    invocation = model.peft_config[ADAPTER].alora_invocation_tokens
    pairs = {name: _pair(layer) for name, layer in adapted_layers(model)}
    return Adapter(pairs, {}, invocation=None if invocation is None else tuple(invocation))


@torch.no_grad()
def _pair(layer: Any) -> LoRAPair:
    a, b = factors(layer)
    if (before := beginning(layer)) is not None:
        a, b = torch.cat([a, before[0].to(a)]), torch.cat([b, -before[1].to(b)], dim=1)
    lengths = layer.lora_magnitude_vector
    magnitude = _kept(lengths[ADAPTER].weight) if ADAPTER in lengths else None
    return LoRAPair(_kept(a), _kept(b), scale_of(layer), magnitude)


def _as_json(settings: peft.PeftConfig) -> dict[str, Any]:
    return {**dataclasses.asdict(settings), "peft_type": settings.peft_type.value}


def _kept(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().clone().contiguous()
