"""vLLM against our torch engine on the same device: the same requests, the same answers up to rounding.

The reference is the torch engine in float32. In 16 bits the torch engine itself deviates from it; vLLM may deviate
`MARGIN` times as far, and at least as far as `FLOORS` says. vLLM's LoRA kernels for GPUs take 16-bit numbers only.
"""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.gpu.engines import Settings
from benchmarks.gpu.exam import Exam, Given, begun, make_exam, sit
from benchmarks.gpu.sizes import Size
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.bundle import load_bundle
from videomind.model.prompt import PromptEncoder

TOP = 5
"""Spans of the reference that have to be found again; they are what the verifier would look at."""
FLOORS = {"float32": {"log": 1e-4, "span": 1e-4, "next": 0.0}, "bfloat16": {"log": 0.02, "span": 0.002, "next": 0.15}}
"""Deviations that are always allowed: of log-probabilities, of spans and scores, and the share of next tokens."""
MARGIN = 3.0
VARIANTS = ("graphs", "eager", "graph pieces", "chunks", "whole", "synchronous")
"""Ways to start vLLM; see `settings`."""


class Deviation(NamedTuple):
    """How far an engine is from the reference.

    Attributes:
        free: share of equal tokens in whole replies (one that differs changes all that follow).
        step: share of equal tokens up to and with the first that differs in each reply: decoding, step by step.
        next: share of equal next tokens after equal beginnings of replies: prefills.
        log, log_mean: largest and mean difference of log-probabilities.
        span: largest difference of a span's ends (fractions of the clip) or score to the nearest span.
        grounded: whether all replies of the grounder are the same, and all of them localise.
    """

    free: float
    step: float
    next: float
    log: float
    log_mean: float
    span: float
    grounded: bool


def settings(variant: str, size: Size) -> Settings:
    """One of the ways to start vLLM.

    "graphs" and "eager" are the defaults with and without CUDA graphs. In "graph pieces" every prompt passes through
    captured graphs, a few tokens at a time, so all states that the decoder reads were written by graphs. "chunks" are
    pieces without graphs, in "whole" the longest prompts are one step. "synchronous" is without async scheduling.
    """
    match variant:
        case "eager":
            return Settings({"cuda_graphs": False})
        case "graph pieces":
            return Settings({"max_num_batched_tokens": size.piece})
        case "chunks":
            return Settings({"cuda_graphs": False, "max_num_batched_tokens": size.chunk})
        case "whole":
            return Settings({"max_num_batched_tokens": size.context, "max_num_seqs": 4})
        case "synchronous":
            return Settings(own={"async_scheduling": False})
    return Settings()


EXACT = Deviation(free=1.0, step=1.0, next=1.0, log=0.0, log_mean=0.0, span=0.0, grounded=True)


def reference(folder: Path, size: Size, device: torch.device, videos: int) -> tuple[Exam, Given, Deviation | None]:
    """The exam, what the torch engine gives in float32, and how far it is from that in the model's own type."""
    bundle = load_bundle(folder)
    encoder = PromptEncoder(bundle.processor, merge=2)
    exam = make_exam(bundle, size, videos)
    with closing(TorchEngine(bundle, str(device), "float32")) as engine:
        replies = [reply.text for reply in engine.generate(exam.free)]
        exam = replace(exam, along=begun(exam.free, replies, encoder))
        expected = sit(engine, exam, encoder)
    if size.dtype == "float32":
        return exam, expected, None
    with closing(TorchEngine(bundle, str(device), size.dtype)) as engine:
        return exam, expected, deviation(sit(engine, exam, encoder), expected)


def deviation(given: Given, expected: Given) -> Deviation:
    """How far one engine's answers are from another's."""
    logs = np.abs(given.logs - expected.logs)
    pairs = list(zip(given.groundings, expected.groundings, strict=True))
    spans = [_nearest(ours.spans, theirs.spans) for ours, theirs in pairs]
    return Deviation(
        free=_share(given.replies, expected.replies),
        step=_share_of_steps(given.replies, expected.replies),
        next=_share(given.following, expected.following),
        log=float(logs.max()),
        log_mean=float(logs.mean()),
        span=max(spans),
        grounded=all(ours.reply == theirs.reply for ours, theirs in pairs) and max(spans) < math.inf,
    )


def allowed(dtype: str, own: Deviation | None) -> dict[str, float]:
    """The largest `log` and `span`, and the smallest `step` and `next`, that pass."""
    floor, own = FLOORS[dtype], own or EXACT
    return {
        "log": max(floor["log"], MARGIN * own.log),
        "span": max(floor["span"], MARGIN * own.span),
        "step": own.step - floor["next"],
        "next": own.next - floor["next"],
    }


def passes(found: Deviation, limits: dict[str, float]) -> bool:
    """Whether a deviation is within the limits."""
    near = found.log <= limits["log"] and found.span <= limits["span"]
    return near and found.step >= limits["step"] and found.next >= limits["next"] and found.grounded


def _share(ours: list[list[int]], theirs: list[list[int]]) -> float:
    """The share of `theirs` tokens that are the same at the same place in `ours`."""
    same = sum(a == b for one, other in zip(ours, theirs, strict=True) for a, b in zip(one, other, strict=False))
    return same / sum(map(len, theirs))


def _share_of_steps(ours: list[list[int]], theirs: list[list[int]]) -> float:
    """The share of equal tokens among those before which a reply was the same; its rest does not count."""
    same = different = 0
    for one, other in zip(ours, theirs, strict=True):
        pairs = enumerate(zip(one, other, strict=False))
        equal = next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
        same, different = same + equal, different + (equal < len(other))
    return same / (same + different)


def _nearest(found: np.ndarray | None, expected: np.ndarray | None) -> float:
    """How far the best spans [N, 3] of the reference are from the nearest that were found; inf without any."""
    if found is None or expected is None:
        return math.inf
    away = np.abs(np.asarray(found)[None] - np.asarray(expected)[:TOP, None]).max(-1)
    return float(away.min(1).max())
