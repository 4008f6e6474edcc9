"""What the published way and ours are compared on: models, videos, questions, and when two results are the same."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import torch
import transformers

from benchmarks.gpu.asked import question
from benchmarks.gpu.bundle import write_bundles
from benchmarks.gpu.sizes import SIZES
from benchmarks.published import Published
from videomind.lora_switch.bundle import Bundle, load_bundle
from videomind.results import Candidate, Result
from videomind.synth.questions import questions
from videomind.synth.video import write_scene
from videomind.synth.world import sample_scene

QUESTIONS = 16
SCORE_TOLERANCE = 1e-4
EMBEDDED, RANDOM = "embedded", "random"
SCENES = {EMBEDDED: (7, 224), RANDOM: (1, 168)}
"""Seed of the scene, and pixels of a side of its video."""
SIZE = SIZES["0.3b"]


class Subject(NamedTuple):
    """A model, a video, and questions about it.

    Attributes:
        bundle: without a calibration, which the published way does not have.
        video: a file.
        questions: `QUESTIONS` different ones.
    """

    bundle: Bundle
    video: Path
    questions: list[str]


def subject(name: str, folder: Path) -> Subject:
    """The embedded model (activated LoRA, one view), or a random one in the published layout (plain LoRA, 0.3 B).

    Args:
        name: `EMBEDDED` or `RANDOM`.
        folder: where video and random model are written; what is there already is taken.
    """
    seed, side = SCENES[name]
    folder.mkdir(parents=True, exist_ok=True)
    video = folder / f"{name}.mp4"
    if not video.is_file():
        write_scene(sample_scene(seed), video, side)
    if name == EMBEDDED:
        return Subject(uncalibrated(load_bundle()), video, scene_questions(seed))
    bundle = load_bundle(write_bundles(folder / SIZE.name, SIZE, torch.device("cpu"))["plain"])
    return Subject(bundle, video, [question(SIZE.vocabulary, str(number)) for number in range(QUESTIONS)])


def uncalibrated(bundle: Bundle) -> Bundle:
    """The bundle with the published order of candidates, without a rule for what is not there."""
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"calibration": None}))


def scene_questions(seed: int) -> list[str]:
    """Questions that differ, about what is in the scene, of which every one is grounded."""
    texts = [one.text for one in questions(sample_scene(seed), Random(seed)) if one.query is not None]
    distinct = list(dict.fromkeys(texts))
    padded = [f"{text[:-1]}, {word}?" for word in ("please", "exactly", "in this video") for text in distinct]
    return [*distinct, *padded][:QUESTIONS]


def same(results: Sequence[Result], references: Sequence[Published]) -> dict[str, bool]:
    """What the two have in common: replies word by word, candidates to the millisecond, scores to 1e-4."""
    pairs = list(zip(results, references, strict=True))
    return {
        "plan": all(ours.plan.reply == theirs.plan for ours, theirs in pairs),
        "answer": all(reply_of(ours, "answerer") == theirs.answer for ours, theirs in pairs),
        "ranking": all(
            [_ms(c) for c in ours.candidates[: len(theirs.candidates)]] == [_ms(c) for c in theirs.candidates]
            for ours, theirs in pairs
        ),
        "scores": all(
            abs((a.verified or 0) - (b.verified or 0)) < SCORE_TOLERANCE
            for ours, theirs in pairs
            for a, b in zip(ours.candidates, theirs.candidates, strict=False)
        ),
    }


def reply_of(result: Result, role: str) -> str:
    """What a role said."""
    return next(call.reply for call in result.trace.calls if call.role == role)


def arguments(purpose: str, repeat: int) -> argparse.ArgumentParser:
    """What all comparisons can be told.

    Args:
        purpose: its first line is the help.
        repeat: turns that count, unless another number is given.
    """
    parser = argparse.ArgumentParser(description=purpose.splitlines()[0])
    parser.add_argument("--subject", choices=(EMBEDDED, RANDOM), default=EMBEDDED, help="model, video and questions")
    parser.add_argument("--work", type=Path, default=Path("runs/compared"), help="where video and model are written")
    parser.add_argument("--warm-up", type=int, default=1, help="turns that do not count: libraries warm up")
    parser.add_argument("--repeat", type=int, default=repeat, help="turns that count")
    return parser


def setup() -> dict[str, object]:
    """Where and with what it was measured."""
    return {
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def _ms(candidate: Candidate) -> tuple[float, float]:
    return round(candidate.start, 3), round(candidate.end, 3)
