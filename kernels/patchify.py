"""Frames as a visual encoder takes them: gathered into patches, normalised and cast, with few passes over memory.

Source of the order: Qwen2-VL (arXiv 2409.12191), image processor of transformers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import torch
from torch import Tensor

CHUNK_BYTES = 4 * 2**20
"""Float32 patches in work at a time, so that all but the first pass over them find them in a processor's cache."""
HAS_TRITON = importlib.util.find_spec("triton") is not None


def patchify(
    frames_THWC: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    dtype: torch.dtype = torch.float32,
    *,
    patch: int = 14,
    merge: int = 2,
    temporal: int = 2,
) -> Tensor:
    """Cuts frames into patches of (x · 1/255 - mean) / std, computed in float32 and rounded once to `dtype`.

    Patches follow each other by frame pair, then by cell of merge×merge patches, then within the cell, row by
    row; each is laid out as channel, frame of the pair, row, column. An odd last frame is paired with itself.

    On CUDA one Triton kernel does it in one pass, where Triton is installed; the results are the same bits everywhere.

    Args:
        frames_THWC: uint8 [T, H, W, 3], T at least 1, H and W multiples of patch·merge.
        mean: of each channel, for values in 0..1.
        std: likewise.
        dtype: of the patches.
        patch: side of a patch in pixels.
        merge: side of a cell in patches.
        temporal: frames of a patch.

    Returns:
        [⌈T/temporal⌉·h·w, 3·temporal·patch·patch], on the frames' device.
    """
    if frames_THWC.is_cuda and HAS_TRITON:
        from videomind.kernels.patchify_triton import patchify_triton

        return patchify_triton(frames_THWC, mean, std, dtype, patch, merge, temporal)
    count, height, width, channels = frames_THWC.shape
    in_pair, length = (height // patch) * (width // patch), temporal * patch * patch
    out_NCP = frames_THWC.new_empty((-(-count // temporal) * in_pair, channels, length), dtype=dtype)
    step = max(1, CHUNK_BYTES // (4 * in_pair * channels * length))
    for pair in range(0, len(out_NCP) // in_pair, step):
        cut = in_patch_order(frames_THWC[pair * temporal : (pair + step) * temporal], patch, merge, temporal)
        out = out_NCP[pair * in_pair : (pair + step) * in_pair]
        if dtype == torch.float32:
            normalize_(out.copy_(cut), mean, std)
        else:
            out.copy_(normalize_(cut.to(torch.float32), mean, std))
    return out_NCP.flatten(1)


def in_patch_order(frames_THWC: Tensor, patch: int = 14, merge: int = 2, temporal: int = 2) -> Tensor:
    """Patches as `patchify` has them, not yet normalised: uint8 [N, 3, temporal·patch·patch]."""
    if missing := -len(frames_THWC) % temporal:
        frames_THWC = torch.cat([frames_THWC, frames_THWC[-1:].expand(missing, -1, -1, -1)])
    count, height, width, channels = frames_THWC.shape
    cell = patch * merge
    cut = frames_THWC.reshape(
        count // temporal, temporal, height // cell, merge, patch, width // cell, merge, patch, channels
    )
    return cut.permute(0, 2, 5, 3, 6, 8, 1, 4, 7).reshape(-1, channels, temporal * patch * patch)


def normalize_(pixels_NCP: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Float32 pixels in 0..255 become (x · 1/255 - mean) / std of their channel, in place."""
    shift, scale = (torch.tensor(v, dtype=torch.float32, device=pixels_NCP.device)[:, None] for v in (mean, std))
    return pixels_NCP.mul_(1 / 255).sub_(shift).div_(scale)
