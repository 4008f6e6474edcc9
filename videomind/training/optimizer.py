"""The optimizer of a run: the method's own or AdamW, in groups with their own rates."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from videomind.training.config import MethodConfig
from videomind.training.methods import optimizer as method_optimizer
from videomind.training.trainable import Trainable


def make_optimizer(
    trainable: Trainable, method: MethodConfig, rates: tuple[float, float], weight_decay: float
) -> torch.optim.Optimizer:
    """The method's own optimizer, or AdamW; the decoder in a group with its own rate, norms and biases undecayed."""
    rate, decoder_rate = rates
    apart = {id(p): "decoder" for p in (trainable.decoder.parameters() if trainable.decoder else ())}
    apart |= {id(p): "rows" for p in (trainable.rows.parameters() if trainable.rows else ())}
    groups: dict[tuple[str, bool], list[Tensor]] = defaultdict(list)
    for parameter in trainable.parameters():
        if parameter.requires_grad:
            groups[apart.get(id(parameter), "backbone"), parameter.ndim > 1].append(parameter)
    made = [
        {
            "params": parameters,
            "lr": decoder_rate if part == "decoder" else rate,
            "weight_decay": weight_decay if decays and part != "rows" else 0.0,
        }
        for (part, decays), parameters in groups.items()
    ]
    if trainable.adapter is not None:
        others = [group for (part, _), group in zip(groups, made, strict=True) if part != "backbone"]
        own = method_optimizer(trainable.adapter, method, rate, weight_decay, others)
        if own is not None:
            return own
    return torch.optim.AdamW(made)
