"""`patchify` for CUDA, in Triton: each number is gathered, normalised, cast and written once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK = 1024
"""Numbers of a program."""


def patchify_triton(
    frames_THWC: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    dtype: torch.dtype,
    patch: int,
    merge: int,
    temporal: int,
) -> Tensor:
    """As `videomind.kernels.patchify.patchify`, to the same bits: nothing is fused, division is exact."""
    frames_THWC = frames_THWC.contiguous()
    count, height, width, channels = frames_THWC.shape
    patches = -(-count // temporal) * (height // patch) * (width // patch)
    out_NP = torch.empty((patches, channels * temporal * patch * patch), dtype=dtype, device=frames_THWC.device)
    _patchify[(triton.cdiv(out_NP.numel(), BLOCK),)](
        frames_THWC,
        out_NP,
        *mean,
        *std,
        count,
        height,
        width,
        out_NP.numel(),
        patch=patch,
        merge=merge,
        temporal=temporal,
        block=BLOCK,
        enable_fp_fusion=False,
    )
    return out_NP


@triton.jit  # type: ignore[untyped-decorator]
def _patchify(  # type: ignore[no-untyped-def]
    frames,
    out,
    mean_r,
    mean_g,
    mean_b,
    std_r,
    std_g,
    std_b,
    count,
    height,
    width,
    numbers,
    patch: tl.constexpr,
    merge: tl.constexpr,
    temporal: tl.constexpr,
    block: tl.constexpr,
):
    """frames uint8 [count, height, width, 3] → out [N, 3·temporal·patch·patch], `block` numbers of it."""
    place = tl.program_id(0).to(tl.int64) * block + tl.arange(0, block)
    inside = place < numbers
    area: tl.constexpr = patch * patch
    length: tl.constexpr = 3 * temporal * area
    number = place // length
    within = (place % length).to(tl.int32)
    channel = within // (temporal * area)
    frame = within // area % temporal

    columns = width // (patch * merge)
    cells = height // (patch * merge) * columns
    pair = number // (cells * merge * merge)
    cell = (number // (merge * merge) % cells).to(tl.int32)
    in_cell = (number % (merge * merge)).to(tl.int32)
    row = (cell // columns * merge + in_cell // merge) * patch + within // patch % patch
    column = (cell % columns * merge + in_cell % merge) * patch + within % patch

    shown = tl.minimum(pair * temporal + frame, count - 1)
    pixel = tl.load(frames + ((shown * height + row) * width + column) * 3 + channel, mask=inside, other=0)
    mean = tl.where(channel == 0, mean_r, tl.where(channel == 1, mean_g, mean_b))
    std = tl.where(channel == 0, std_r, tl.where(channel == 1, std_g, std_b))
    value = tl.div_rn(pixel.to(tl.float32) * (1 / 255) - mean, std)
    tl.store(out + place, value.to(out.dtype.element_ty), mask=inside)
