"""Resizing is bicubic, antialiased and exact."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from videomind.vision import resize
from videomind.vision.resize import resize_frames

SIZES = [(60, 80, 28, 56), (60, 80, 112, 140), (97, 131, 56, 56), (30, 200, 84, 28)]


def noise(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width", "high", "wide"), SIZES)
def test_agrees_with_pillow_to_one_level(height: int, width: int, high: int, wide: int) -> None:
    """Pillow has the same filter in fixed point, but clips between its passes: so no harsh contrasts here."""
    frames = noise(2, height, width) // 4 + 96
    resized = resize_frames(frames, high, wide)
    assert resized.shape == (2, high, wide, 3)
    assert resized.dtype == np.uint8
    for frame, ours in zip(frames, resized, strict=True):
        pillow = np.asarray(Image.fromarray(frame).resize((wide, high), Image.Resampling.BICUBIC))
        assert np.abs(pillow.astype(int) - ours.astype(int)).max() <= 1


@pytest.mark.parametrize(("height", "width", "high", "wide"), SIZES)
def test_agrees_with_a_direct_sum_in_float64(height: int, width: int, high: int, wide: int) -> None:
    frame = noise(1, height, width)
    rows, columns = filter_matrix(height, high), filter_matrix(width, wide)
    exact = np.einsum("yh,hwc,xw->yxc", rows, frame[0].astype(np.float64), columns).clip(0, 255)
    ours = resize_frames(frame, high, wide)[0].astype(np.float64)
    assert np.abs(ours - exact).max() < 0.5 + 1e-3  # rounding of an almost exact value, nothing else


def filter_matrix(size: int, resized: int) -> np.ndarray:
    """Weights of the antialiased cubic filter (a = -1/2): float64 [resized, size]."""
    scale = max(size / resized, 1.0)
    centres = (np.arange(resized) + 0.5) * size / resized
    x = np.abs((np.arange(size) + 0.5 - centres[:, None]) / scale)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x < 1, near, np.where(x < 2, far, 0.0))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("height", "width", "high", "wide"), [*SIZES, (224, 224, 56, 56), (360, 640, 168, 280)])
def test_same_levels_as_torch_gives_for_one_frame_alone(height: int, width: int, high: int, wide: int) -> None:
    frames = noise(3, height, width)
    for frame, ours in zip(frames, resize_frames(frames, high, wide), strict=True):
        pixels = torch.tensor(frame).permute(2, 0, 1)[None].float()
        theirs = torch.nn.functional.interpolate(pixels, (high, wide), mode="bicubic", antialias=True)
        expected = theirs.clamp(0, 255).round().to(torch.uint8)[0].permute(1, 2, 0)
        assert np.array_equal(ours, expected.numpy())


def test_a_plain_picture_stays_plain() -> None:
    frames = np.full((3, 50, 70, 3), (0, 128, 255), dtype=np.uint8)
    assert (resize_frames(frames, 28, 84) == (0, 128, 255)).all()


def test_a_frame_of_the_right_size_is_left_alone() -> None:
    frames = noise(2, 56, 84)
    assert resize_frames(frames, 56, 84) is frames


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = noise(5, 40, 40)
    at_once = resize_frames(frames, 28, 28)
    monkeypatch.setattr(resize, "CHUNK_BYTES", 2 * 40 * 40 * 3 * 4)
    assert np.array_equal(resize_frames(frames, 28, 28), at_once)


def test_agrees_with_torchvision() -> None:
    functional = pytest.importorskip(
        "torchvision.transforms.functional", reason="torchvision is not installed (nothing here needs it)"
    )
    frames = noise(2, 60, 80)
    mode = functional.InterpolationMode.BICUBIC
    theirs = functional.resize(torch.from_numpy(frames).permute(0, 3, 1, 2), [28, 56], mode, antialias=True)
    difference = theirs.permute(0, 2, 3, 1).numpy().astype(int) - resize_frames(frames, 28, 56).astype(int)
    assert np.abs(difference).max() <= 1
