"""Stage 1: the visual tower alone, on direct labels of what is in each cell of a frame pair."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.model.visual import encode_view
from videomind.synth.labels import IGNORE, CellLabels, cell_labels
from videomind.synth.world import ACTIONS, COLOURS, SHAPES, Scene, World, sample_scene
from videomind.training.nano.specs import WATCH
from videomind.training.nano.views import GRID, patches, render_view, soften

SCENES, PAIRS = 32, 10
FIRST_SCENE = 10**9
"""The scenes of this stage lie beyond all that are evaluated on."""
CLASSES = {"early": 1 + len(COLOURS), "late": 1 + len(COLOURS), "shape": 1 + len(SHAPES), "action": 1 + len(ACTIONS)}

WEIGHTS = {"early": 1.0, "late": 1.0, "shape": 2.0, "action": 1.0}
"""Shapes are the last to be learned."""


class VisualTrainee(nn.Module):
    """The tower and a linear classifier per label on each of its merged tokens."""

    def __init__(self, tower: nn.Module, width: int) -> None:
        super().__init__()
        self.tower = tower
        self.heads = nn.ModuleDict({name: nn.Linear(width, count) for name, count in CLASSES.items()})

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Logits [pairs, 4, classes] per label, from uint8 frames [2 · pairs, 56, 56, 3]."""
        values = patches(frames).to(next(self.parameters()).device)
        tokens = encode_view(self.tower, values, (len(frames) // 2, GRID, GRID))
        return {name: head(tokens.unflatten(0, (-1, 4))) for name, head in self.heads.items()}


def measure_visual(trainee: VisualTrainee, world: World, seed: int) -> Mapping[str, Tensor]:
    """Loss and accuracies on frame pairs drawn by `seed`."""
    frames, labels = visual_batch(world, seed)
    logits = trainee(frames)
    device = logits["shape"].device
    numbers: dict[str, Tensor] = {}
    for name in CLASSES:
        target = torch.from_numpy(getattr(labels, name)).to(device)
        numbers[f"{name}_loss"] = WEIGHTS[name] * label_loss(logits[name], target)
        there = target > 0
        numbers[name] = (logits[name].argmax(-1)[there] == target[there]).float().mean()
    numbers["loss"] = torch.stack([v for k, v in numbers.items() if k.endswith("_loss")]).sum()
    return numbers


def label_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy over cells, half of the weight on cells where something is."""
    each = F.cross_entropy(logits.flatten(0, -2).float(), target.flatten(), ignore_index=IGNORE, reduction="none")
    there, empty = (target.flatten() > 0), (target.flatten() == 0)
    return (each * there).sum() / there.sum().clamp(min=1) + (each * empty).sum() / empty.sum().clamp(min=1)


def visual_batch(world: World, seed: int) -> tuple[Tensor, CellLabels]:
    """Frames [2 · 320, 56, 56, 3] in pairs, mostly inside events, and their labels.

    Half of the pairs are as far apart as in the view of a moment, half as in that of a whole video.
    """
    rng, generator = Random(seed), torch.Generator().manual_seed(seed)
    frames, labels = [], []
    for index in range(SCENES):
        scene = sample_scene(FIRST_SCENE + seed * SCENES + index, world)
        times = _pair_times(rng, scene)
        frames.append(soften(torch.from_numpy(render_view(scene, times.ravel())), generator))
        labels.append(cell_labels(scene, times))
    return torch.cat(frames), CellLabels(*(np.concatenate(parts) for parts in zip(*labels, strict=True)))


def _pair_times(rng: Random, scene: Scene) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    starts = []
    for _ in range(PAIRS):
        event = rng.choice(scene.events)
        starts.append(
            rng.uniform(event.start - 0.4, event.end) if rng.random() < 0.9 else rng.uniform(0, scene.duration)
        )
    first = np.array(starts)
    apart = 1 / np.array([rng.choice((WATCH.fps, rng.uniform(1.0, WATCH.fps))) for _ in starts])
    return np.stack([first, first + apart], axis=1)
