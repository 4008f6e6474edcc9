"""An adapter as vLLM takes it: one rank for all modules, the scale in B, nothing but plain LoRA."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional as F

from videomind.errors import BundleError
from videomind.lora_switch.adapter import Adapter, LoRAPair, write_adapter

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM allots memory for."""


def write_served(folder: Path, adapter: Adapter, where: str) -> int:
    """Write the LoRA part to a folder for vLLM; gives its rank.

    Raises:
        BundleError: DoRA, which vLLM does not serve, or a rank above its largest.
    """
    if any(pair.magnitude is not None for pair in adapter.pairs.values()):
        raise BundleError(f"{where}: vLLM does not serve DoRA; make it plain LoRA: videomind convert … --to lora")
    rank = max(pair.a.shape[0] for pair in adapter.pairs.values())
    if rank > RANKS[-1]:
        raise BundleError(f"{where}: rank {rank} is above {RANKS[-1]}, the largest that vLLM serves")
    pairs = {module: _uniform(pair, rank) for module, pair in adapter.pairs.items()}
    write_adapter(folder, Adapter(pairs, {}))
    return rank


def allotted_rank(rank: int) -> int:
    """The smallest of vLLM's ranks that holds this one."""
    return next(allotted for allotted in RANKS if allotted >= rank)


def _uniform(pair: LoRAPair, rank: int) -> LoRAPair:
    missing = rank - pair.a.shape[0]
    b = (pair.b.double() * pair.scale).to(torch.float32)
    return LoRAPair(F.pad(pair.a.float(), (0, 0, 0, missing)), F.pad(b, (0, missing)), 1.0)
