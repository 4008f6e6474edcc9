"""Visual tokens of clips of synthetic videos, computed once by a frozen tower and kept in shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from videomind.model.visual import encode_view
from videomind.roles.spec import View
from videomind.synth.world import Scene, World, sample_scene
from videomind.training.views import GRID, patches, render_view, soften, view_times

FILE_RATES = (10.0, 12.5, 15.0, 24.0, 25.0, 30.0)
BATCH = 16


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a synthetic video: the scene's seed, and the seconds that are looked at."""

    seed: int
    span: tuple[float, float]

    @property
    def file_rate(self) -> float:
        return FILE_RATES[self.seed % len(FILE_RATES)]

    def times(self, scene: Scene, view: View) -> Tensor:
        """Seconds [n] of the frames that are seen."""
        return torch.from_numpy(view_times(self.span, scene.duration, self.file_rate, view))


def whole(scene: Scene) -> Clip:
    return Clip(scene.seed, (0.0, scene.duration))


@torch.inference_mode()
def encode_clips(tower: nn.Module, clips: Iterable[Clip], world: World, view: View) -> Iterator[Tensor]:
    """Visual tokens [T·4, H] in float16 of each clip. The tower decides precision and device."""
    weight = next(tower.parameters())
    pending: list[Tensor] = []
    for clip in clips:
        scene = sample_scene(clip.seed, world)
        frames = torch.from_numpy(render_view(scene, clip.times(scene, view).numpy()))
        pending.append(soften(frames, torch.Generator().manual_seed(clip.seed)))
        if len(pending) == BATCH:
            yield from _encode(tower, pending, weight)
            pending = []
    if pending:
        yield from _encode(tower, pending, weight)


def _encode(tower: nn.Module, clips: list[Tensor], weight: Tensor) -> Iterator[Tensor]:
    frames = torch.cat(clips).to(weight.device)
    tokens = encode_view(tower, patches(frames), (len(frames) // 2, GRID, GRID)).half().cpu()
    yield from tokens.split([len(clip) * 2 for clip in clips])


def write_shard(path: Path, clips: list[Clip], tokens: Iterable[Tensor]) -> None:
    """Keep clips and their tokens as one safetensors file."""
    parts = list(tokens)
    shard = {
        "tokens": torch.cat(parts),
        "lengths": torch.tensor([len(part) for part in parts]),
        "seeds": torch.tensor([clip.seed for clip in clips]),
        "spans": torch.tensor([clip.span for clip in clips], dtype=torch.float64),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".part")
    save_file(shard, fresh)
    fresh.replace(path)


@dataclass(frozen=True, slots=True)
class ClipStore:
    """Clips with their visual tokens, in memory."""

    clips: list[Clip]
    tokens: list[Tensor]

    @classmethod
    def load(cls, paths: Iterable[Path]) -> ClipStore:
        clips: list[Clip] = []
        tokens: list[Tensor] = []
        for path in sorted(paths):
            shard = load_file(path)
            spans = [(float(a), float(b)) for a, b in shard["spans"]]
            clips += [Clip(seed, span) for seed, span in zip(shard["seeds"].tolist(), spans, strict=True)]
            tokens += shard["tokens"].split(shard["lengths"].tolist())
        return cls(clips, tokens)

    def sample(self, rng: Random, count: int) -> list[int]:
        return [rng.randrange(len(self.clips)) for _ in range(count)]
