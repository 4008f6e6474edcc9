"""Visual tokens of clips of synthetic videos, computed once by a frozen tower and kept in shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from videomind.model.visual import encode_view
from videomind.roles.spec import View
from videomind.synth.world import Scene, World, sample_scene
from videomind.training.nano.views import GRID, Span, patches, render_view, soften, view_times

FILE_RATES = (10.0, 12.5, 15.0, 24.0, 25.0, 30.0)
BATCH = 16
WINDOW = 4


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a synthetic video.

    Attributes:
        seed: the scene's seed.
        span: the seconds that are looked at.
        inner: the span inside it that it was chosen for: a moment, a candidate, or the same as `span`.
        query: number of the query (`talks.queries_of_prediction`) that `inner` was found for.
    """

    seed: int
    span: Span
    inner: Span
    query: int = 0

    def times(self, scene: Scene, view: View) -> npt.NDArray[np.float64]:
        """Seconds [T, 2] of the frame pairs that are seen, as if the file had one of several common frame rates."""
        file_rate = FILE_RATES[self.seed % len(FILE_RATES)]
        return view_times(self.span, scene.duration, file_rate, view).reshape(-1, 2)


@torch.inference_mode()
def encode_clips(tower: nn.Module, clips: Iterable[Clip], world: World, view: View) -> Iterator[Tensor]:
    """Visual tokens [T·4, H] in float16 of each clip. The tower decides precision and device."""
    weight = next(tower.parameters())
    pending: list[Tensor] = []
    for clip in clips:
        scene = sample_scene(clip.seed, world)
        frames = torch.from_numpy(render_view(scene, clip.times(scene, view).ravel()))
        pending.append(soften(frames, torch.Generator().manual_seed(clip.seed)))
        if len(pending) == BATCH:
            yield from _encode(tower, pending, weight)
            pending = []
    if pending:
        yield from _encode(tower, pending, weight)


def _encode(tower: nn.Module, clips: list[Tensor], weight: Tensor) -> Iterator[Tensor]:
    frames = torch.cat(clips)
    tokens = encode_view(tower, patches(frames).to(weight.device), (len(frames) // 2, GRID, GRID)).half().cpu()
    yield from tokens.split([len(clip) * 2 for clip in clips])


def write_shard(path: Path, clips: list[Clip], tokens: Iterable[Tensor]) -> None:
    """Keep clips and their tokens as one safetensors file."""
    parts = list(tokens)
    shard = {
        "tokens": torch.cat(parts),
        "lengths": torch.tensor([len(part) for part in parts]),
        "seeds": torch.tensor([clip.seed for clip in clips]),
        "queries": torch.tensor([clip.query for clip in clips]),
        "spans": torch.tensor([(*clip.span, *clip.inner) for clip in clips], dtype=torch.float64),
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
    buckets: dict[int, list[int]]

    @classmethod
    def load(cls, paths: Iterable[Path]) -> ClipStore:
        """Read shards; the clips of one number of frame pairs form a bucket."""
        clips: list[Clip] = []
        tokens: list[Tensor] = []
        for path in sorted(paths):
            shard = load_file(path)
            columns = (shard[name].tolist() for name in ("seeds", "spans", "queries"))
            clips += [Clip(seed, (a, b), (c, d), query) for seed, (a, b, c, d), query in zip(*columns, strict=True)]
            tokens += shard["tokens"].split(shard["lengths"].tolist())
        buckets: dict[int, list[int]] = {}
        for index, part in enumerate(tokens):
            buckets.setdefault(len(part) // WINDOW, []).append(index)
        return cls(clips, tokens, buckets)

    def sample(self, rng: Random, count: int) -> list[int]:
        """Indices of `count` clips with the same number of frame pairs."""
        bucket = self.buckets[len(self.tokens[rng.randrange(len(self.tokens))]) // WINDOW]
        return rng.choices(bucket, k=count)
