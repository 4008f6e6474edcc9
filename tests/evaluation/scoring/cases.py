"""Made-up samples and predictions that are full of edges: on a grid, so that overlaps meet thresholds exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from videomind.evaluation.sample import Prediction, Sample, Span

OPTIONS = ("Lay on floor", "Clap", "A cup", "Crawl")
REPLIES = (
    "A",
    "B) Clap",
    "(C)",
    "c.",
    "D Crawl",
    "E",
    "the answer is B",
    "nothing of these",
    "Abc",
    "(A) Lay on floor",
)
UNITS = (1.0, 0.1, 0.3)


def spans(dice: np.random.Generator, count: int, ordered: bool) -> tuple[Span, ...]:
    """Spans of 0 to 10 units, some empty, and reversed ones if they need not be in order."""
    pairs = dice.integers(0, 11, (count, 2))
    pairs = np.sort(pairs, axis=1) if ordered else pairs
    unit = UNITS[int(dice.integers(len(UNITS)))]
    return tuple((start, end) for start, end in (pairs * unit).tolist())


def sample(dice: np.random.Generator, number: int, several: bool = True) -> Sample:
    """A sample with one to four true spans."""
    return Sample(
        id=f"s{number}",
        video=(f"v{number % 7}",),
        question=f"question {number}",
        options=OPTIONS,
        answer="ABCD"[int(dice.integers(4))],
        spans=spans(dice, int(dice.integers(1, 5)) if several else 1, ordered=True),
        duration=12.0,
        groups=tuple(("task", task) for task in ("one", "two", "three")[: int(dice.integers(1, 4))]),
    )


def prediction(dice: np.random.Generator, of: Sample) -> Prediction:
    """A prediction with one to seven spans, of which some are as the true ones."""
    listed = spans(dice, int(dice.integers(1, 8)), ordered=False)
    if dice.random() < 0.5:
        listed = (of.spans[int(dice.integers(len(of.spans)))], *listed)
    reply = REPLIES[int(dice.integers(len(REPLIES)))] if dice.random() < 0.9 else None
    return Prediction(of.id, listed, tuple((dice.integers(0, 5, len(listed)) / 5).tolist()), response=reply)


def cases(seed: int, count: int = 200, several: bool = True) -> tuple[list[Sample], list[Prediction]]:
    """Samples, and predictions in another order: some missing, some twice, some failed, one of an unknown id."""
    dice = np.random.default_rng(seed)
    samples = [sample(dice, number, several) for number in range(count)]
    predictions = [prediction(dice, one) for one in samples if dice.random() < 0.9]
    predictions += [prediction(dice, samples[int(i)]) for i in dice.integers(count, size=count // 20)]
    dice.shuffle(predictions)
    predictions[3] = replace(predictions[3], failed=True)
    predictions[5] = replace(predictions[5], spans=None, scores=())
    return samples, [*predictions, Prediction("unknown", ((0.0, 1.0),), (0.5,), response="A")]
