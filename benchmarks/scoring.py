"""How long scoring takes: `python -m benchmarks.scoring [--predictions 100000] [--clips 75]`.

Made-up predictions with five spans, scores and a reply each, and as many samples with one to three true spans, four
options and a task, on a fifth as many videos; with --clips also scores for so many clips of two seconds, ten of them
annotated. Scored by every variant, reading of files not included. One thread. Appends one line per variant to
benchmarks/results/scoring.jsonl and prints it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from videomind.evaluation import scoring
from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring.base import Variant

RESULTS = Path(__file__).parent / "results" / "scoring.jsonl"
SEED = 0
DURATION = 150.0
OPTIONS = ("red", "green", "blue", "yellow")
REPLIES = ("A) Red", "(B)", "C", "The answer is D", "no idea")


def made_up(count: int, clips: int) -> tuple[list[Sample], list[Prediction]]:
    """Samples, and a prediction of each."""
    dice = np.random.default_rng(SEED)
    spans = np.sort(dice.integers(0, 751, (count, 8, 2)) / 5, axis=-1)
    scores, replies = dice.random((count, 5)), dice.integers(len(REPLIES), size=count)
    saliency, opinions = dice.random((count, clips)).tolist(), dice.integers(5, size=(count, 10, 3)).tolist()
    true, answers = dice.integers(1, 4, count), dice.integers(4, size=count)
    samples, predictions = [], []
    for i in range(count):
        rows = [(start, end) for start, end in spans[i].tolist()]
        sample = Sample(
            id=str(i),
            video=(f"video{i % max(1, count // 5)}",),
            question="",
            options=OPTIONS,
            answer="ABCD"[answers[i]],
            spans=tuple(rows[5 : 5 + true[i]]),
            duration=DURATION,
            groups=(("task", f"task {i % 9}"),),
            notes={"relevant_clip_ids": list(range(10, 20)), "saliency_scores": opinions[i]} if clips else {},
        )
        samples.append(sample)
        given = Prediction(
            id=str(i),
            spans=tuple(rows[:5]),
            scores=tuple(scores[i].tolist()),
            response=REPLIES[replies[i]],
            saliency=tuple(saliency[i]) if clips else None,
        )
        predictions.append(given)
    return samples, predictions


def main() -> None:
    """Measure every variant, write the lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=100_000)
    parser.add_argument("--clips", type=int, default=0)
    given = parser.parse_args()
    samples, predictions = made_up(given.predictions, given.clips)
    variants = {name: found for name in scoring.__all__ if isinstance(found := getattr(scoring, name), Variant)}
    with RESULTS.open("a") as file:
        for name, variant in variants.items():
            wall, cpu = time.perf_counter(), time.process_time()
            scoring.score([variant], samples, predictions)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            line = {"variant": name, "seconds": round(wall, 3), "cpu_seconds": round(cpu, 3), **_setup(given)}
            print(json.dumps(line), file=file, flush=True)
            print(f"{name:24} {wall:6.2f} s, {cpu:6.2f} s of CPU", flush=True)


def _setup(given: argparse.Namespace) -> dict[str, Any]:
    """Where and with what it was measured."""
    return {
        "benchmark": "scoring",
        "predictions": given.predictions,
        "spans": 5,
        "clips": given.clips,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "seed": SEED,
    }


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
