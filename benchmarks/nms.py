"""Temporal NMS on as many spans as a decoder gives: `python -m benchmarks.nms`.

A question takes it once, on the 282 points of a pyramid over 150 frames, or fewer. Both versions run in turn on the
same spans. Appends a line per number of spans to `results/nms.jsonl`: what it costs, how many times less than rank by
rank, and what share of the fastest whole question in `results/chain.jsonl` it is, which is the most that a compiled
version could save.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.kernels.test_nms import rank_by_rank
from videomind.kernels.nms import Rows, temporal_nms

RESULTS = Path(__file__).parent / "results"
TURNS = 50


def main() -> None:
    chains = [json.loads(line) for line in (RESULTS / "chain.jsonl").read_text().splitlines()]
    question = min(statistics.median(line["ours_s"]) for line in chains)
    for frames in (16, 50, 75, 150):
        cases = [_spans(frames, seed) for seed in range(TURNS)]
        taken: list[tuple[float, float]] = []
        for rows in cases:
            ours, ranked = _timed(temporal_nms, rows), _timed(rank_by_rank, rows)
            assert np.array_equal(temporal_nms(rows), rank_by_rank(rows))
            taken.append((ours, ranked))
        microseconds = 1e6 * statistics.median(ours for ours, _ in taken)
        line = {
            "benchmark": "nms",
            "spans": len(cases[0]),
            "microseconds": round(microseconds, 1),
            "times_faster_than_rank_by_rank": round(statistics.median(ranked / ours for ours, ranked in taken), 1),
            "share_of_a_question": round(microseconds / 1e6 / question, 6),
            "machine": platform.machine(),
            "numpy": np.__version__,
        }
        print(json.dumps(line))
        with (RESULTS / "nms.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


def _spans(frames: int, seed: int) -> Rows:
    """What the points of a pyramid over so many frames say about one moment, in noise."""
    generator = np.random.default_rng(seed)
    points = np.concatenate([np.arange(0, frames, stride) for stride in (1, 2, 4, 8)])
    start, end = np.sort(generator.uniform(0, frames, 2))
    spans = np.stack([np.minimum(points, start), np.maximum(points, end)], 1) + generator.normal(0, 2, (len(points), 2))
    scores = np.exp(-(((points - (start + end) / 2) / (1 + end - start)) ** 2)) * generator.uniform(0.5, 1, len(points))
    return np.concatenate([spans / frames, scores[:, None]], 1).astype(np.float32)


def _timed(version: Callable[[Rows], Rows], rows: Rows) -> float:
    began = time.perf_counter()
    version(rows)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
