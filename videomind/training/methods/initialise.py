"""Beginnings that look at data: EVA at the inputs of the adapted layers, LoRA-GA at their gradients."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import peft
import torch
from torch import Tensor

from videomind.errors import InputError
from videomind.training.config import MethodConfig
from videomind.training.methods.beginning import ADAPTER, adapted_layers, remember

Batch = TypeVar("Batch")
NEEDS_DATA = ("eva", "lora-ga")
MAX_PASSES = 2000


def initialise(
    model: peft.PeftModel, config: MethodConfig, run_batch: Callable[[Batch], Tensor], batches: Sequence[Batch]
) -> None:
    """Let EVA and LoRA-GA look at some data before the first step; other methods begin without.

    Args:
        model: from `attach`, its base on the device it trains on.
        config: the method.
        run_batch: a batch's loss (a scalar with its graph), computed through the language model under `model`.
        batches: a few batches of what will be trained on. Each is run as it stands, padding included; batches of one
            example have none. EVA goes round them until its directions settle.

    Raises:
        InputError: a method that needs batches was given none, or EVA does not settle on them.
    """
    if config.name not in NEEDS_DATA:
        return
    if not batches:
        raise InputError(f"{config.name} begins with what the first batches show, and there are none")
    begin = _begin_eva if config.name == "eva" else _begin_lora_ga
    begin(model, run_batch, batches)


def _begin_eva(model: peft.PeftModel, run_batch: Callable[[Batch], Tensor], batches: Sequence[Batch]) -> None:
    passes = 0

    def forward(_: Any, item: _Item) -> None:
        nonlocal passes
        passes += 1
        if passes > MAX_PASSES:
            raise InputError(
                f"eva: the main directions do not settle on {len(batches)} batches: give more or longer ones, "
                "a lower rank or a lower tau"
            )
        with torch.no_grad():
            run_batch(item.batch)

    peft.initialize_lora_eva_weights(
        model,
        [_Item(batch) for batch in batches],
        forward_fn=forward,
        prepare_model_inputs_fn=lambda inputs, settings: None,
        prepare_layer_inputs_fn=None,
        adapter_name=ADAPTER,
        show_progress_bar=False,
    )


def _begin_lora_ga(model: peft.PeftModel, run_batch: Callable[[Batch], Tensor], batches: Sequence[Batch]) -> None:
    """The adapter is on already and adds nothing yet, so the layers below it have the base's own gradients."""
    settings = model.peft_config[ADAPTER]
    layers = [layer for _, layer in adapted_layers(model)]
    weights = [layer.get_base_layer().weight for layer in layers]

    def train_step() -> None:
        for batch in batches:
            torch.autograd.backward(run_batch(batch), inputs=weights)

    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Full backward hook is firing")
        below = dataclasses.replace(settings, target_modules=r".*\.base_layer")
        peft.preprocess_loraga(model.get_base_model(), below, train_step)
    for layer in layers:
        layer.update_layer(ADAPTER, layer.r[ADAPTER], lora_alpha=layer.lora_alpha[ADAPTER], config=settings)
    assert all(parameter.requires_grad for parameter in learned)
    remember(model)


@dataclasses.dataclass(frozen=True, slots=True)
class _Item:
    """A batch that PEFT passes through without looking into it."""

    batch: Any

    def to(self, _: torch.device) -> _Item:
        return self
