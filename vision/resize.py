"""Resizing of frames exactly as the published system does it: bicubic, antialiased, in whole levels.

It stays on the CPU, where the published system does it. Each level is a rounded sum of float32 products, and the order
of the sum decides on which side of a half it falls. Torch's kernel for CUDA weighs and adds in another way, and in a
product of matrices the order is the library's affair: neither promises the same levels. Little would be won: decoding
takes several times as long, and what goes to the device afterwards are small frames of bytes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

CHUNK_BYTES = 8 * 2**20
"""Bytes of float32 frames in work at a time (source size): what a processor's cache holds."""


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
    source_THWC = torch.from_numpy(frames)
    out_THWC = torch.empty((count, height, width, channels), dtype=torch.uint8)
    step = max(1, CHUNK_BYTES // (4 * channels * max(high * wide, height * width)))
    work_TCHW = torch.empty((min(step, count), channels, high, wide))
    for levels, out in zip(source_THWC.split(step), out_THWC.split(step), strict=True):
        pixels = work_TCHW[: len(levels)].copy_(levels.permute(0, 3, 1, 2))
        resized = interpolate(pixels, (height, width), mode="bicubic", antialias=True, align_corners=False)
        out.copy_(resized.clamp_(0, 255).round_().permute(0, 2, 3, 1))
    resized_THWC: np.ndarray = out_THWC.numpy()
    return resized_THWC
