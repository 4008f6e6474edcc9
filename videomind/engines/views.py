"""Visual tokens of views, every frame pair encoded once.

The tower's attention never leaves a frame pair, so a pair has the same tokens in whatever view it stands, up to float
rounding: crops that overlap share the pairs in which they coincide, and views are encoded in pieces of any size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from videomind.cancellable import Cancel, check
from videomind.model.byte_cache import ByteCache
from videomind.model.qwen2_vl import Qwen2VLBackbone
from videomind.vision.clip import Clip
from videomind.vision.patches import patchify

MAX_PATCHES, MAX_PATCHES_ON_CPU = 32_768, 4096
"""Patches that go through the visual tower at once."""


class PairKey(NamedTuple):
    """Equal for frame pairs of equal frames.

    Attributes:
        content: hash of the video's content.
        first, second: numbers of its frames.
        height, width: their size in pixels.
    """

    content: str
    first: int
    second: int
    height: int
    width: int


class Encoded(NamedTuple):
    """The visual tokens [n, H] of a view, and whether the tower ran for it."""

    tokens: Tensor
    is_new: bool


class ViewEncoder:
    """The visual tower, and what it made of frame pairs before.

    Args:
        backbone: whose tower.
        mean, std: pixel statistics, of each channel.
        device: where it is.
        guard: held while the tower runs.
        max_bytes: of visual tokens that are kept.
    """

    def __init__(
        self,
        backbone: Qwen2VLBackbone,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
        guard: Callable[[], AbstractContextManager[None]],
        max_bytes: int,
    ) -> None:
        self._backbone, self._mean, self._std, self._device, self._guard = backbone, mean, std, device, guard
        self._most = MAX_PATCHES_ON_CPU if device.type == "cpu" else MAX_PATCHES
        self.pairs = ByteCache[Tensor](max_bytes)

    def encode(self, clips: Sequence[Clip], cancel: Cancel | None = None) -> list[Encoded]:
        """The visual tokens of each clip.

        Raises:
            Cancelled: the cancel event was set.
        """
        wanted = [pair_keys(clip) for clip in clips]
        frames = {
            key: clip.frames[2 * pair : 2 * pair + 2]
            for clip, keys in zip(clips, wanted, strict=True)
            for pair, key in enumerate(keys)
        }
        known = self.pairs.find(list(frames))
        new: dict[PairKey, Tensor] = {}
        for piece in self._pieces([key for key in frames if key not in known]):
            check(cancel)
            new |= zip(piece, self._encode([frames[key] for key in piece]), strict=True)
        for key, tokens in new.items():
            self.pairs.keep(key, tokens)
        tokens_of = known | new
        encoded: list[Encoded] = []
        for keys in wanted:
            encoded.append(Encoded(torch.cat([tokens_of[key] for key in keys]), any(key in new for key in keys)))
            for key in keys:
                new.pop(key, None)  # counts for the view that comes first
        return encoded

    def _pieces(self, keys: Sequence[PairKey]) -> list[list[PairKey]]:
        """Pairs of one size, as many as go through the tower at once."""
        pieces: list[list[PairKey]] = []
        for key in sorted(keys, key=lambda key: (key.height, key.width)):
            patch = self._backbone.patch
            most = max(1, self._most // (key.height // patch * (key.width // patch)))
            last = pieces[-1] if pieces else []
            if last and len(last) < most and (last[0].height, last[0].width) == (key.height, key.width):
                last.append(key)
            else:
                pieces.append([key])
        return pieces

    @torch.inference_mode()
    def _encode(self, pairs: Sequence[np.ndarray]) -> list[Tensor]:
        """Tokens of frame pairs [2, height, width, 3] of one size (of a single frame, as if it came twice)."""
        whole = [pair if len(pair) == 2 else np.concatenate([pair, pair]) for pair in pairs]
        dtype = self._backbone.lm_head.weight.dtype
        values, grid = patchify(np.concatenate(whole), self._mean, self._std, device=self._device, dtype=dtype)
        with self._guard():
            tokens = self._backbone.encode(values, grid)
        return [part.clone() for part in tokens.chunk(len(pairs))]


def pair_keys(clip: Clip) -> list[PairKey]:
    """The frame pairs of a clip; a last frame without partner is paired with itself."""
    height, width = clip.frames.shape[1:3]
    frames = clip.indices if len(clip.indices) % 2 == 0 else (*clip.indices, clip.indices[-1])
    return [
        PairKey(clip.content, first, second, height, width)
        for first, second in zip(frames[::2], frames[1::2], strict=True)
    ]
