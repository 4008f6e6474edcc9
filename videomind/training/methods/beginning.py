"""What PiSSA, OLoRA and LoRA-GA take out of the base when they begin: W = residual + scale · B₀A₀.

Training then changes B₀A₀ to BA on top of the residual. On the base as it was, the same model is a plain LoRA of twice
the rank: W + scale · (BA − B₀A₀). So B₀ and A₀ are kept beside the adapter, as buffers of its layers.
"""

from __future__ import annotations

from typing import Any

import peft
import torch
from torch import Tensor

from videomind.lora_switch.peft_files import ADAPTER, adapted_layers, peft_state

_TAKEN_OUT = ("pissa", "olora", "lora_ga")
_A, _B = "beginning_a", "beginning_b"


def takes_from_base(model: peft.PeftModel) -> bool:
    """Whether this adapter's beginning was taken out of the base."""
    return str(getattr(model.peft_config[ADAPTER], "init_lora_weights", "")).startswith(_TAKEN_OUT)


def remember(model: peft.PeftModel) -> None:
    """Keep the factors as they are now, where they were taken out of the base (a LoRA-GA has to be initialised)."""
    if not takes_from_base(model):
        return
    for _, layer in adapted_layers(model):
        a, b = factors(layer)
        layer.register_buffer(_A, a.detach().clone(), persistent=False)
        layer.register_buffer(_B, b.detach().clone(), persistent=False)


def factors(layer: Any) -> tuple[Tensor, Tensor]:
    """A [r, in] and B [out, r] of a LoRA layer."""
    return layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight


def beginning(layer: Any) -> tuple[Tensor, Tensor] | None:
    """A₀ and B₀ of a layer whose beginning was taken out of the base."""
    return (getattr(layer, _A), getattr(layer, _B)) if hasattr(layer, _A) else None


@torch.no_grad()
def base_weight(layer: Any) -> Tensor:
    """The weight [out, in] of a layer's base as it was before its beginning took something out of it."""
    weight: Tensor = layer.get_base_layer().weight.data
    kept = beginning(layer)
    return weight if kept is None else (weight.float() + scale_of(layer) * product(*kept)).to(weight.dtype)


def adapter_state(model: peft.PeftModel) -> dict[str, Tensor]:
    """All that a checkpoint needs of the adapter, by name; `load_adapter_state` takes it back."""
    state = peft_state(model)
    for name, layer in adapted_layers(model):
        if (kept := beginning(layer)) is not None:
            state[f"{name}.{_A}"], state[f"{name}.{_B}"] = kept
    return state


@torch.no_grad()
def load_adapter_state(model: peft.PeftModel, state: dict[str, Tensor]) -> None:
    """Continue from a checkpoint: the adapter as it was, on the residual that it was trained on.

    Args:
        model: from `attach` with the same settings on the same base (and `initialise`, if the run began with it).
        state: from `adapter_state`.
    """
    state = dict(state)
    for name, layer in adapted_layers(model):
        if f"{name}.{_A}" not in state:
            continue
        a, b = state.pop(f"{name}.{_A}"), state.pop(f"{name}.{_B}")
        now = beginning(layer)
        assert now is not None
        a, b = a.to(now[0]), b.to(now[1])
        if not (torch.equal(now[0], a) and torch.equal(now[1], b)):
            weight = layer.get_base_layer().weight
            weight.data = (base_weight(layer).float() - scale_of(layer) * product(a, b)).to(weight.dtype)
        layer.register_buffer(_A, a, persistent=False)
        layer.register_buffer(_B, b, persistent=False)
    peft.set_peft_model_state_dict(model, state, adapter_name=ADAPTER)


def scale_of(layer: Any) -> float:
    """The layer's delta is scale · B · A."""
    return float(layer.scaling[ADAPTER])


def product(a: Tensor, b: Tensor) -> Tensor:
    """B · A in float32."""
    return b.float() @ a.float()
