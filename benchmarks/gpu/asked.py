"""What is asked: random videos, and requests about them at the views of a bundle's roles."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.gpu import words
from benchmarks.gpu.sizes import Size
from videomind.engines.base import RoleRequest
from videomind.lora_switch.bundle import Bundle
from videomind.vision.array_backend import ArrayReader
from videomind.vision.clip import Clip

FPS = 2.0
QUESTION = 12
"""Words of a question."""


def video(size: Size, seed: int, side: int | None = None) -> ArrayReader:
    """Random frames, 2 a second."""
    shape = (int(size.seconds * FPS), side or size.side, side or size.side, 3)
    return ArrayReader(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8), FPS)


@cache
def question(vocabulary: int, seed: str) -> str:
    """Random words."""
    return words.sentence(vocabulary, QUESTION, f"question {seed}").strip()


def request(
    bundle: Bundle,
    size: Size,
    role: str,
    clip: Clip,
    seed: str,
    segment: tuple[int, int] | None = None,
) -> RoleRequest:
    """A call of a role."""
    spec = bundle.roles[role].spec
    text = spec.user_text(question(size.vocabulary, seed))
    return RoleRequest(role, clip, text, segment=segment, max_new_tokens=spec.max_new_tokens)
