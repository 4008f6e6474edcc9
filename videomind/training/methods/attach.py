"""Putting an adapter on the language model, in place."""

from __future__ import annotations

from collections.abc import Sequence

import peft
import torch
from torch import nn

from videomind.errors import InputError
from videomind.lora_switch.peft_files import put_on
from videomind.training.config import MethodConfig
from videomind.training.methods.beginning import remember
from videomind.training.methods.settings import peft_config


def attach(text_model: nn.Module, config: MethodConfig, invocation_ids: Sequence[int] | None = None) -> peft.PeftModel:
    """Freeze the language model and put an adapter on it; what it computes stays the same until training begins.

    Calling `text_model` itself then runs the adapter too, except with aLoRA: PEFT has to be told where each row's
    invocation begins, by the argument `alora_offsets` (counted from the row's end) of the returned model's forward.

    Args:
        text_model: transformers' text model (`model.model.language_model`).
        config: the method. Some also need `initialise` before the first step, see there.
        invocation_ids: the tokens that switch an aLoRA on.

    Raises:
        InputError: the method does not exist, or does not suit this model; the text says what does.
    """
    settings = peft_config(config, text_model, invocation_ids)
    text_model.requires_grad_(False)
    if config.name == "shira":
        torch.sparse.check_sparse_tensor_invariants.disable()  # as it is by default; torch warns where nobody says so
    try:
        model = put_on(text_model, settings)
    except (TypeError, ValueError) as error:
        raise InputError(f"{config.name} does not suit this model: {error}") from error
    remember(model)
    return model
