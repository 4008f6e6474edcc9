"""Views of scenes as the roles see them: which times are sampled, and pixels as the visual tower takes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from videomind.roles.spec import View
from videomind.synth.render import Frames, render
from videomind.synth.world import Scene

SIDE = 56
"""Pixels per side of a frame the model sees: 2×2 cells."""
GRID = SIDE // 14
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def view_times(
    span: tuple[float, float], duration: float, file_fps: float, view: View
) -> npt.NDArray[np.float64]:
    """Seconds [n] of the frames a role sees of `span` (seconds), by the sampling rule of DESIGN sec. 2."""
    file_frames = round(duration * file_fps)
    whole = span == (0.0, duration)
    total = file_frames if whole else min(file_frames, max(4, round((span[1] - span[0]) * file_fps)))
    count = min(max(total / file_fps * view.fps, view.min_frames), view.max_frames)
    frames = min(2 * round(count / 2), total)
    first, last = (0, file_frames - 1) if whole else (round(t * file_fps) for t in span)
    index = np.linspace(min(first, file_frames - 1), min(last, file_frames - 1), frames).round()
    return np.asarray(index / file_fps)


def render_view(scene: Scene, times: npt.NDArray[np.float64]) -> Frames:
    """Frames [n, 56, 56, 3] at `times`."""
    return render(scene, times, SIDE)


def patches(frames_NHWC: Tensor) -> Tensor:
    """Normalised patches [N/2 · 16, 1176] of uint8 frames [N, 56, 56, 3], in Qwen2-VL's order."""
    groups = frames_NHWC.reshape(-1, 2, GRID // 2, 2, 14, GRID // 2, 2, 14, 3)
    ordered = groups.permute(0, 2, 5, 3, 6, 8, 1, 4, 7).reshape(-1, 3, 2 * 14 * 14).float()
    mean, std = (torch.tensor(values, device=ordered.device)[:, None] for values in (MEAN, STD))
    return ordered.mul_(1 / (255 * std)).sub_(mean / std).flatten(1)


def soften(frames_NHWC: Tensor, generator: torch.Generator) -> Tensor:
    """The frames of one video with some blur and another brightness: what a codec and a resize may do to them."""
    blur, gain = torch.rand(2, generator=generator).tolist()
    pixels = frames_NHWC.float()
    side = 0.2 * blur
    for axis in (1, 2):
        inner = pixels.narrow(axis, 1, SIDE - 2)
        inner.mul_(1 - 2 * side).add_(_shifted_sum(frames_NHWC, axis), alpha=side)
    return pixels.mul_(0.92 + 0.16 * gain).round_().clamp_(0, 255).to(torch.uint8)


def _shifted_sum(frames_NHWC: Tensor, axis: int) -> Tensor:
    """Sum of both neighbours along an axis, for all but the outermost pixels."""
    return frames_NHWC.narrow(axis, 0, SIDE - 2).float() + frames_NHWC.narrow(axis, 2, SIDE - 2)
