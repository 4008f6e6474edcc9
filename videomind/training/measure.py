"""Losses on held-out examples and, for the grounder, how well its best span fits."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader, Subset

from videomind.roles.spans import clamp_span, temporal_iou
from videomind.training.collate import Batch, collate
from videomind.training.items import ItemSet
from videomind.training.trainable import Trainable


@torch.no_grad()
def measure(trainable: Trainable, items: ItemSet, args: Any, accelerator: Any) -> dict[str, float]:
    """Means over the items: every part of the loss, and "miou" and "r1@0.5" over queries that happen.

    Args:
        trainable: the model; left in training mode.
        items: what to measure on.
        args: transformers' training arguments.
        accelerator: shares the work among the processes.
    """
    own = Subset(items, range(args.process_index, len(items), args.world_size))
    size, workers = args.per_device_train_batch_size, args.dataloader_num_workers
    loader = DataLoader(own, batch_size=size, collate_fn=collate, num_workers=workers)
    sums: dict[str, float] = {}
    trainable.eval()
    for batch in loader:
        with accelerator.autocast():
            for name, value in _one(trainable, batch.to(args.device)).items():
                sums[name] = sums.get(name, 0.0) + value
    trainable.train()
    names = _names(trainable)
    totals = torch.tensor([sums.get(name, 0.0) for name in names], dtype=torch.float64)
    totals = accelerator.reduce(totals.float().to(args.device), "sum")
    found = dict(zip(names, totals.tolist(), strict=True))
    examples, queries = found.pop("examples"), found.pop("queries", 0.0)
    return {
        name: value / max(1.0, queries if name in ("miou", "r1@0.5") else examples) for name, value in found.items()
    }


def _names(trainable: Trainable) -> list[str]:
    grounding = ["focal", "offset", "contrast", "decoder", "queries", "miou", "r1@0.5"]
    return ["examples", "loss", "reply", *(grounding if trainable.decoder is not None else [])]


def _one(trainable: Trainable, batch: Batch) -> dict[str, float]:
    """Sums over one batch."""
    states = trainable.states(batch)
    size = len(batch.views)
    sums = {name: value.item() * size for name, value in trainable.losses(states, batch).items()}
    if trainable.decoder is not None:
        overlaps = _overlaps(trainable, states, batch)
        sums |= {"queries": float(len(overlaps)), "miou": sum(overlaps)}
        sums["r1@0.5"] = float(sum(overlap >= 0.5 for overlap in overlaps))
    return sums | {"examples": float(size)}


def _overlaps(trainable: Trainable, states: torch.Tensor, batch: Batch) -> list[float]:
    """IoU of the best span with the true span that it fits best, of every query that happens."""
    overlaps = []
    for rows, moments, view in zip(trainable.spans(states, batch), batch.moments, batch.views, strict=True):
        if moments is not None and moments.spans:
            pairs = view.grid[0]
            start, end = clamp_span(float(rows[0, 0]), float(rows[0, 1]), 1.0)
            overlaps.append(max(temporal_iou((start * pairs, end * pairs), true) for true in moments.spans))
    return overlaps
