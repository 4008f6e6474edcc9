"""Views of scenes as the roles see them: which times are sampled, and pixels as the visual tower takes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from videomind.roles.spec import View
from videomind.synth.render import Frames, render
from videomind.synth.world import Scene
from videomind.vision.patches import patchify
from videomind.vision.sampling import sample_indices

Span = tuple[float, float]

SIDE = 56
"""Pixels per side of a frame the model sees: 2×2 cells."""
GRID = SIDE // 14
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def view_times(span: Span, duration: float, file_fps: float, view: View) -> npt.NDArray[np.float64]:
    """Seconds [n] of the frames a role sees of `span` (seconds) in a file of `file_fps` frames a second."""
    part = None if span == (0.0, duration) else span
    return np.asarray(sample_indices(round(duration * file_fps), file_fps, view, part) / file_fps)


def render_view(scene: Scene, times: npt.NDArray[np.float64]) -> Frames:
    """Frames [n, 56, 56, 3] at `times`."""
    return render(scene, times, SIDE)


def patches(frames_NHWC: Tensor) -> Tensor:
    """Normalised patches [N/2 · 16, 1176] of uint8 frames [N, 56, 56, 3]."""
    return patchify(frames_NHWC.numpy(), MEAN, STD).values


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
