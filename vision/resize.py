"""Resizing of frames exactly as the published system does it: bicubic, antialiased, in whole levels."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

CHUNK_BYTES = 128 * 2**20
"""Bytes of float32 frames in work at a time (source size)."""


def resize_frames(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bicubic antialiased resizing in float32, clamped to 0..255 and rounded half to even.

    The same values as torchvision's functional `resize` of a uint8 tensor, which the published system uses.

    Args:
        frames: uint8 [T, H, W, 3].
        height: pixels wanted.
        width: pixels wanted.

    Returns:
        uint8 [T, height, width, 3]; `frames` itself where it has that size already.
    """
    count, high, wide, channels = frames.shape
    if (high, wide) == (height, width):
        return frames
    out = np.empty((count, height, width, channels), dtype=np.uint8)
    step = max(1, CHUNK_BYTES // (4 * channels * max(high * wide, height * width)))
    for start in range(0, count, step):
        out[start : start + step] = _resize_chunk(frames[start : start + step], height, width)
    return out


def _resize_chunk(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    pixels_TCHW = torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous().float()
    resized = interpolate(pixels_TCHW, (height, width), mode="bicubic", antialias=True, align_corners=False)
    levels = resized.clamp_(0, 255).round_().to(torch.uint8)
    chunk: np.ndarray = levels.permute(0, 2, 3, 1).numpy()
    return chunk
