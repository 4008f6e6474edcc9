"""Optimizers that belong to a method: LoRA+ and LoRA-FA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import peft
import torch
from peft.optimizers import create_lorafa_optimizer, create_loraplus_optimizer

from videomind.lora_switch.peft_files import ADAPTER
from videomind.training.config import MethodConfig
from videomind.training.methods.settings import method_of, options_of

LORA_RATE = 2e-4


def default_learning_rate(config: MethodConfig, lora: float = LORA_RATE) -> float:
    """The learning rate that suits a method on a model on which LoRA is trained with `lora`."""
    return lora * method_of(config).pace


def optimizer(
    model: peft.PeftModel,
    config: MethodConfig,
    lr: float,
    weight_decay: float = 0.0,
    others: Sequence[Mapping[str, Any]] = (),
) -> torch.optim.Optimizer | None:
    """The optimizer that a method brings along; None where AdamW does. LoRA-FA freezes its A factors here.

    Args:
        model: from `attach`.
        config: the method.
        lr: learning rate of the adapter (with LoRA+ of A; B's is `lr_ratio` times that).
        weight_decay: of the adapter.
        others: groups as torch's optimizers take them ("params", and "lr" or "weight_decay" where they differ) of what
            learns along outside the adapter, as AdamW would have it.
    """
    groups = [{"lr": lr, "weight_decay": weight_decay, **group, "params": list(group["params"])} for group in others]
    if config.name == "lora+":
        made = create_loraplus_optimizer(
            model,
            torch.optim.AdamW,
            lr=lr,
            loraplus_lr_ratio=options_of(config)["lr_ratio"],
            loraplus_weight_decay=weight_decay,
        )
    elif config.name == "lora-fa":
        settings = model.peft_config[ADAPTER]
        made = create_lorafa_optimizer(model, settings.r, settings.lora_alpha, lr, weight_decay)
        for number, group in enumerate(groups):  # it keeps its state by name
            size = len(group["params"])
            group |= {"names": [f"other.{number}.{i}" for i in range(size)], "scaling_factors": [None] * size}
    else:
        return None
    for group in groups:
        made.add_param_group(group)
    optimizer: torch.optim.Optimizer = made
    return optimizer
