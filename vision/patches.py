"""Frames as the visual encoder takes them: normalized patches of frame pairs, in Qwen2-VL's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from videomind.errors import VideoError


class Patches(NamedTuple):
    """Pixels of one clip for the visual encoder.

    Attributes:
        values: float32 [t·h·w, 3·temporal·patch·patch]; what was only cut is uint8 [t·h·w, 3, temporal·patch·patch].
        grid: (t, h, w): frame pairs, patch rows, patch columns.
    """

    values: torch.Tensor
    grid: tuple[int, int, int]


def patchify(
    frames: np.ndarray,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    patch: int = 14,
    merge: int = 2,
    temporal: int = 2,
) -> Patches:
    """Cuts resized frames into patches and normalizes them (`cut_patches`, `normalize_patches`).

    Args:
        frames: uint8 [T, H, W, 3]; H and W are multiples of patch·merge.
        mean: of each channel, for values in 0..1 (the processor config's `image_mean`).
        std: likewise (`image_std`).
        patch: side of a patch in pixels.
        merge: side in patches of the cell that becomes one visual token.
        temporal: frames per patch.

    Raises:
        VideoError: H or W is no multiple of patch·merge, or there is no frame.

    Source: Qwen2-VL (arXiv 2409.12191), image processor of transformers.
    """
    cut, grid = cut_patches(frames, patch=patch, merge=merge, temporal=temporal)
    return Patches(normalize_patches(cut, mean, std), grid)


def cut_patches(frames: np.ndarray, *, patch: int = 14, merge: int = 2, temporal: int = 2) -> Patches:
    """Cuts resized frames into patches: uint8 [t·h·w, 3, temporal·patch·patch].

    Patches follow each other by frame pair, then by cell of merge×merge patches, then within the cell, row by
    row; each is laid out as channel, frame of the pair, row, column. An odd last frame is paired with itself.

    Args:
        frames, patch, merge, temporal: as for `patchify`.

    Raises:
        VideoError: as `patchify`.
    """
    count, height, width, channels = frames.shape
    cell = patch * merge
    if count == 0 or height % cell or width % cell:
        raise VideoError(
            f"{count} frames of {width}×{height} pixels cannot be cut into patches; "
            f"give at least one frame, with sides that are multiples of {cell}"
        )
    pixels = torch.from_numpy(np.ascontiguousarray(frames))
    if missing := -count % temporal:
        pixels = torch.cat([pixels, pixels[-1:].expand(missing, -1, -1, -1)])
    t, rows, columns = len(pixels) // temporal, height // cell, width // cell
    cut = pixels.reshape(t, temporal, rows, merge, patch, columns, merge, patch, channels)
    ordered = cut.permute(0, 2, 5, 3, 6, 8, 1, 4, 7).reshape(-1, channels, temporal * patch * patch)
    return Patches(ordered, (t, rows * merge, columns * merge))


def normalize_patches(pixels_NCP: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Pixels of cut patches as (x · 1/255 - mean) / std, float32 [N, C·P], on the device they are on."""
    shift, scale = (torch.tensor(v, dtype=torch.float32, device=pixels_NCP.device)[:, None] for v in (mean, std))
    return pixels_NCP.to(torch.float32).mul_(1 / 255).sub_(shift).div_(scale).flatten(1)
