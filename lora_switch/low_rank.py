"""The best LoRA for what an adapter of any kind does to its layers' weights.

What an adapted layer computes is linear, so its weight is read off by giving it the unit vectors. The LoRA is the
truncated SVD of the weight's change, as in PEFT's `save_as_lora`. (That one refuses SHiRA, and drops what DoRA learned
of lengths.)
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videomind.errors import InputError
from videomind.lora_switch.adapter import CONFIG_FILE, Adapter, LoRAPair
from videomind.lora_switch.files import read_json
from videomind.lora_switch.kinds import kind_name, kind_of
from videomind.lora_switch.peft_files import adapted_layers, load_peft

if TYPE_CHECKING:
    from torch import Tensor, nn

CHUNK = 1024
"""Unit vectors given to a layer at a time."""


def check_rank(rank: int | float) -> None:
    """That a rank is a whole number from 1 or a share of energy below 1.

    Raises:
        InputError: it is neither.
    """
    if not (rank >= 1 if isinstance(rank, int) else 0 < rank < 1):
        raise InputError(f"rank {rank}: give a whole number from 1, or the share of energy to keep, such as 0.99")


def adapter_to_lora(
    base: Path, folder: Path, rank: int | float, watch: Callable[[int, int], None] = lambda layer, layers: None
) -> tuple[Adapter, str, float]:
    """One adapter of any of `KINDS` as plain LoRA.

    Args:
        base: folder of the model that it was trained on.
        folder: with its `adapter_config.json` and weights.
        rank: as for `bundle_to_lora`.
        watch: told how many of how many layers are done.

    Returns:
        The LoRA, the kind that it was, and the relative error of its change.

    Raises:
        BundleError: base or adapter cannot be read, or do not fit each other.
    """
    import torch

    from videomind.model.qwen2_vl import load_model

    config = read_json(folder / CONFIG_FILE)
    kind_of(config, str(folder / CONFIG_FILE))
    text = load_model(base, torch.float32).model.language_model.requires_grad_(False)
    weights = {name: module.weight for name, module in text.named_modules() if isinstance(module, torch.nn.Linear)}
    before = {name: weight.data.clone() for name, weight in weights.items()}
    layers = dict(adapted_layers(load_peft(text, folder)))
    pairs, missed, whole = {}, 0.0, 0.0
    for done, (name, layer) in enumerate(layers.items()):
        watch(done, len(layers))
        delta = layer_delta(layer, before[name])
        pairs[name] = truncate(delta, rank)
        missed += float((delta - pairs[name].b @ pairs[name].a).square().sum())
        whole += float(delta.square().sum())
    return Adapter(pairs, {}), kind_name(config), (missed / whole) ** 0.5 if whole else 0.0


def layer_delta(layer: nn.Module, before_OI: Tensor) -> Tensor:
    """The change [out, in] that an adapted layer makes to its weight as it was, in float32.

    Args:
        layer: PEFT's layer, its adapter active and nothing dropped.
        before_OI: the base's weight before the adapter was put on (PiSSA and OLoRA change it).
    """
    import torch

    exact: Any = copy.deepcopy(layer).double()
    inputs = before_OI.shape[1]
    with torch.no_grad():
        nothing = exact(torch.zeros(1, inputs, dtype=torch.float64))
        columns = [exact(unit) - nothing for unit in torch.eye(inputs, dtype=torch.float64).split(CHUNK)]
    return (torch.cat(columns).T - before_OI.double()).float()


def truncate(delta_OI: Tensor, rank: int | float) -> LoRAPair:
    """The best LoRA of a rank for a change of a weight; a fraction is the share of energy to keep."""
    import torch

    u, s, v = torch.linalg.svd(delta_OI, full_matrices=False)
    energy = s.double().square().cumsum(0)
    exact = int((s > s[0] * max(delta_OI.shape) * torch.finfo(s.dtype).eps).sum())
    wanted = rank if isinstance(rank, int) else 1 + int((energy < rank * energy[-1]).sum())
    r = max(min(wanted, exact), 1)
    return LoRAPair(v[:r].contiguous(), (u[:, :r] * s[:r]).contiguous(), 1.0)
