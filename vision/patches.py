"""Frames as the visual encoder takes them: normalized patches of frame pairs, in Qwen2-VL's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from videomind.errors import VideoError
from videomind.kernels.patchify import in_patch_order, normalize_
from videomind.kernels.patchify import patchify as patchify_pixels


class Patches(NamedTuple):
    """Pixels of one clip for the visual encoder.

    Attributes:
        values: [t·h·w, 3·temporal·patch·patch]; what was only cut is uint8 [t·h·w, 3, temporal·patch·patch].
        grid: (t, h, w): frame pairs, patch rows, patch columns.
    """

    values: torch.Tensor
    grid: tuple[int, int, int]


def patchify(
    frames: np.ndarray,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    patch: int = 14,
    merge: int = 2,
    temporal: int = 2,
) -> Patches:
    """Cuts resized frames into patches and normalizes them, on the device on which they are wanted.

    To another device go the frames, which are a quarter of what float32 patches would be.

    Args:
        frames: uint8 [T, H, W, 3]; H and W are multiples of patch·merge.
        mean: of each channel, for values in 0..1 (the processor config's `image_mean`).
        std: likewise (`image_std`).
        device: where the patches are to be.
        dtype: of the patches, which are computed in float32.
        patch: side of a patch in pixels.
        merge: side in patches of the cell that becomes one visual token.
        temporal: frames per patch.

    Raises:
        VideoError: H or W is no multiple of patch·merge, or there is no frame.
    """
    grid = _grid_of(frames, patch, merge, temporal)
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(device)
    values = patchify_pixels(pixels, mean, std, dtype, patch=patch, merge=merge, temporal=temporal)
    return Patches(values, grid)


def cut_patches(frames: np.ndarray, *, patch: int = 14, merge: int = 2, temporal: int = 2) -> Patches:
    """Cuts resized frames into patches: uint8 [t·h·w, 3, temporal·patch·patch], for those who send them elsewhere.

    Args:
        frames, patch, merge, temporal: as for `patchify`.

    Raises:
        VideoError: as `patchify`.
    """
    grid = _grid_of(frames, patch, merge, temporal)
    return Patches(in_patch_order(torch.from_numpy(np.ascontiguousarray(frames)), patch, merge, temporal), grid)


def normalize_patches(pixels_NCP: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Pixels of cut patches as (x · 1/255 - mean) / std, float32 [N, C·P], on the device they are on."""
    return normalize_(pixels_NCP.to(torch.float32), mean, std).flatten(1)


def _grid_of(frames: np.ndarray, patch: int, merge: int, temporal: int) -> tuple[int, int, int]:
    count, height, width, _ = frames.shape
    cell = patch * merge
    if count == 0 or height % cell or width % cell:
        raise VideoError(
            f"{count} frames of {width}×{height} pixels cannot be cut into patches; "
            f"give at least one frame, with sides that are multiples of {cell}"
        )
    return -(-count // temporal), height // patch, width // patch
