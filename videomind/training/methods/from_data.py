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
from videomind.lora_switch.peft_files import ADAPTER, adapted_layers
from videomind.training.config import MethodConfig
from videomind.training.methods.beginning import factors, remember

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
        batches: a few batches of what will be trained on, the same in every process of a run. Padding counts as
            tokens, so batches of one example, which have none, are best. EVA goes round them until it settles.

    Raises:
        InputError: a method that needs batches was given none, or batches too small or too few for EVA.
    """
    if config.name not in NEEDS_DATA:
        return
    if not batches:
        raise InputError(f"{config.name} begins with what the first batches show, and there are none")
    begin = _begin_eva if config.name == "eva" else _begin_lora_ga
    begin(model, run_batch, batches)
    for _, layer in adapted_layers(model):
        for factor in factors(layer):
            factor.data = factor.data.float()  # as `attach` leaves them, whatever the base's number type
    remember(model)


def _begin_eva(model: peft.PeftModel, run_batch: Callable[[Batch], Tensor], batches: Sequence[Batch]) -> None:
    fewest = min(_tokens(model, run_batch, batch) for batch in batches)
    wanted = round(
        max(layer.r[ADAPTER] for _, layer in adapted_layers(model)) * model.peft_config[ADAPTER].eva_config.rho
    )
    if fewest < wanted:
        raise InputError(f"eva: rank times rho is {wanted}, and a batch has only {fewest} tokens: lower one of them")
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

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Full backward hook is firing")
        below = dataclasses.replace(settings, target_modules=r".*\.base_layer")
        peft.preprocess_loraga(model.get_base_model(), below, train_step)
    for layer in layers:
        layer.update_layer(ADAPTER, layer.r[ADAPTER], lora_alpha=layer.lora_alpha[ADAPTER], config=settings)


@torch.no_grad()
def _tokens(model: peft.PeftModel, run_batch: Callable[[Batch], Tensor], batch: Batch) -> int:
    """How many tokens of a batch pass through an adapted layer."""
    seen: list[int] = []
    layer = next(layer for _, layer in adapted_layers(model))
    handle = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][..., 0].numel()))
    try:
        run_batch(batch)
    finally:
        handle.remove()
    return seen[0]


@dataclasses.dataclass(frozen=True, slots=True)
class _Item:
    """A batch that PEFT passes through without looking into it."""

    batch: Any

    def to(self, _: torch.device) -> _Item:
        return self
