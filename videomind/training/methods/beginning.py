"""What PiSSA, OLoRA and LoRA-GA take out of the base when they begin: W = residual + scale · B₀A₀.

Training then changes B₀A₀ to BA on top of the residual. On the base as it was, the same model is a plain LoRA of twice
the rank: W + scale · (BA − B₀A₀). So B₀ and A₀ are kept beside the adapter, as buffers of its layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peft
import torch
from torch import Tensor

ADAPTER = "default"
"""PEFT's name of the one adapter in training."""
_TAKEN_OUT = ("pissa", "olora", "lora_ga")
_A, _B = "beginning_a", "beginning_b"


def adapted_layers(model: peft.PeftModel) -> Iterator[tuple[str, Any]]:
    """PEFT's adapted layers with their names in the text model ("layers.0.self_attn.q_proj")."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, layer in model.get_base_model().named_modules():
        if isinstance(layer, BaseTunerLayer):
            yield name, layer


def takes_from_base(model: peft.PeftModel) -> bool:
    """Whether this adapter's beginning was taken out of the base."""
    return str(getattr(model.peft_config[ADAPTER], "init_lora_weights", "")).startswith(_TAKEN_OUT)


def remember(model: peft.PeftModel) -> None:
    """Keep the factors as they are now, where they were taken out of the base (a LoRA-GA has to be initialised)."""
    if not takes_from_base(model):
        return
    for _, layer in adapted_layers(model):
        a, b = factors(layer)
        layer.register_buffer(_A, a.detach().clone())
        layer.register_buffer(_B, b.detach().clone())


def factors(layer: Any) -> tuple[Tensor, Tensor]:
    """A [r, in] and B [out, r] of a LoRA layer."""
    return layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight


def beginning(layer: Any) -> tuple[Tensor, Tensor] | None:
    """A₀ and B₀ of a layer whose beginning was taken out of the base."""
    return (getattr(layer, _A), getattr(layer, _B)) if hasattr(layer, _A) else None


def adapter_state(model: peft.PeftModel) -> dict[str, Tensor]:
    """All that a checkpoint needs of the adapter, by name; `load_adapter_state` takes it back."""
    state: dict[str, Tensor] = peft.get_peft_model_state_dict(model, adapter_name=ADAPTER)
    for name, layer in adapted_layers(model):
        if (kept := beginning(layer)) is not None:
            state[f"{name}.{_A}"], state[f"{name}.{_B}"] = kept
    return {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}


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
        if not (torch.equal(now[0].cpu(), a.cpu()) and torch.equal(now[1].cpu(), b.cpu())):
            weight = layer.get_base_layer().weight
            before, after = (scale_of(layer) * (y.float() @ x.float()) for x, y in (now, (a.to(weight), b.to(weight))))
            weight.data = (weight.float() + before - after).to(weight.dtype)
        layer.register_buffer(_A, a.to(now[0]))
        layer.register_buffer(_B, b.to(now[1]))
    peft.set_peft_model_state_dict(model, state, adapter_name=ADAPTER)


def scale_of(layer: Any) -> float:
    """The layer's delta is scale · B · A."""
    return float(layer.scaling[ADAPTER])
