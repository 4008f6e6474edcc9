"""Patches come in the order and with the values of transformers' Qwen2-VL processor."""

from __future__ import annotations

import numpy as np
import pytest
from transformers.image_utils import OPENAI_CLIP_MEAN as MEAN
from transformers.image_utils import OPENAI_CLIP_STD as STD
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from videomind.errors import VideoError
from videomind.vision.patches import patchify


def noise(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(9).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def by_loops(frames: np.ndarray) -> np.ndarray:
    """The published order, written out: frame pair, cell row, cell column, row and column in the cell."""
    pixels = (frames.astype(np.float64) / 255 - np.array(MEAN)) / np.array(STD)
    rows = []
    for pair in range(0, len(frames), 2):
        for cell_y in range(0, frames.shape[1], 28):
            for cell_x in range(0, frames.shape[2], 28):
                for y in (cell_y, cell_y + 14):
                    for x in (cell_x, cell_x + 14):
                        patch = pixels[pair : pair + 2, y : y + 14, x : x + 14]
                        rows.append(patch.transpose(3, 0, 1, 2).ravel())
    return np.array(rows)


def test_order_and_values_of_frame_pairs() -> None:
    frames = noise(4, 56, 84)
    values, grid = patchify(frames, MEAN, STD)
    assert grid == (2, 4, 6)
    assert tuple(values.shape) == (2 * 4 * 6, 3 * 2 * 14 * 14)
    assert np.abs(values.numpy() - by_loops(frames)).max() < 1e-6


def test_a_pair_of_equal_frames_is_what_transformers_makes_of_an_image() -> None:
    picture = noise(1, 56, 84)[0]
    processor = Qwen2VLImageProcessorPil(do_resize=False)
    theirs = processor(picture, return_tensors="pt")
    values, grid = patchify(np.stack([picture, picture]), MEAN, STD)
    assert theirs["image_grid_thw"].tolist() == [list(grid)]
    assert (theirs["pixel_values"] - values).abs().max() < 1e-6


def test_an_odd_last_frame_is_paired_with_itself() -> None:
    frames = noise(3, 28, 28)
    padded = np.concatenate([frames, frames[-1:]])
    odd, grid = patchify(frames, MEAN, STD)
    assert grid == (2, 2, 2)
    assert odd.equal(patchify(padded, MEAN, STD).values)


def test_other_patch_sizes() -> None:
    values, grid = patchify(noise(3, 32, 48), MEAN, STD, patch=16, merge=1, temporal=1)
    assert grid == (3, 2, 3)
    assert tuple(values.shape) == (18, 3 * 16 * 16)


@pytest.mark.parametrize("shape", [(2, 30, 28, 3), (2, 28, 42, 3), (0, 28, 28, 3)])
def test_what_cannot_be_cut_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(VideoError, match="multiples of 28"):
        patchify(np.zeros(shape, dtype=np.uint8), MEAN, STD)
