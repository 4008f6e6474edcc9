"""From items to batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from videomind.training.encode import Item, Moments, SeenView

IGNORE = -100


@dataclass(slots=True, eq=False)
class Batch:
    """Items padded on the right. Nothing masks the padding: with causal attention no token sees what is after it.

    Attributes:
        ids: [B, L].
        positions: [3, B, L].
        targets: [B, L] the token that a position should predict, or `IGNORE`.
        visual_at: [2, N] row and column of every video token, item by item.
        views: the pixels of every item.
        moments: what to find in every item.
        acts_from: [B].
    """

    ids: Tensor
    positions: Tensor
    targets: Tensor
    visual_at: Tensor
    views: list[SeenView]
    moments: list[Moments | None]
    acts_from: list[int]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """The batch on another device."""

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=non_blocking)

        return replace(
            self,
            ids=moved(self.ids),
            positions=moved(self.positions),
            targets=moved(self.targets),
            visual_at=moved(self.visual_at),
            views=[replace(view, patches=moved(view.patches)) for view in self.views],
        )


def collate(items: Sequence[Item]) -> Batch:
    """One batch of items of any lengths."""
    longest = max(len(item.prompt.ids) for item in items)
    ids = torch.zeros(len(items), longest, dtype=torch.long)
    positions = torch.zeros(3, len(items), longest, dtype=torch.long)
    targets = torch.full((len(items), longest), IGNORE)
    for row, item in enumerate(items):
        length = len(item.prompt.ids)
        ids[row, :length] = torch.tensor(item.prompt.ids)
        positions[:, row, :length] = torch.from_numpy(item.prompt.positions)
        targets[row, length - item.learned - 1 : length - 1] = ids[row, length - item.learned : length]
    places = [np.stack([np.full_like(item.prompt.video, row), item.prompt.video]) for row, item in enumerate(items)]
    return Batch(
        ids=ids,
        positions=positions,
        targets=targets,
        visual_at=torch.from_numpy(np.concatenate(places, axis=1)),
        views=[item.view for item in items],
        moments=[item.moments for item in items],
        acts_from=[item.acts_from for item in items],
    )
