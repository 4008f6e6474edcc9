"""In which order the candidates of a query are best: `python -m benchmarks.nano.ranking`.

Asked are videos that are neither trained on nor evaluated nor used to fit the rules: on these the chain's order was
chosen (`videomind/roles/judge.py`). One line per query goes to the results; printed are the mean IoU of the first
candidate in each order, and how far from the truth the chain's is judged to be a moment (Brier score, IoU of at least
0.5 with the true span): by its own probability, and by that of the most probable of those that overlap it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import torch

from videomind.agent import Agent
from videomind.results import Candidate
from videomind.roles.judge import group
from videomind.roles.spans import temporal_iou
from videomind.roles.verifier import MAX_CANDIDATES, best_first
from videomind.synth.questions import queries
from videomind.synth.reader import SceneReader
from videomind.synth.world import sample_scene
from videomind.training.nano.recipe import CALIBRATION_SEEDS

FIRST_SEED = CALIBRATION_SEEDS + 10_000_000
PER_VIDEO = 2
TRUE_IOU = 0.5
CHAIN = "moment by probability, ends by confidence"
RESULTS = Path(__file__).resolve().parents[1] / "results" / "nano_ranking.jsonl"


def main() -> None:
    """Ask, write the lines, print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.videos)
    with get_context("spawn").Pool(options.workers) as pool:
        lines = [line for some in pool.imap(ask, seeds) for line in some]
    RESULTS.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for order in lines[0]["iou"]:
        print(f"{order}: mIoU {fmean(line['iou'][order] for line in lines):.4f} of {len(lines)}")
    for whose in lines[0]["probability"]:
        errors = [(line["probability"][whose] - (line["iou"][CHAIN] >= TRUE_IOU)) ** 2 for line in lines]
        print(f"probability {whose}: Brier score {fmean(errors):.4f}")


def ask(seed: int) -> list[dict[str, Any]]:
    """The IoU of the candidate that each order puts first, for some queries about one scene."""
    scene, agent, rng = sample_scene(seed), _agent(), Random(seed)
    calibration = agent.bundle.calibration
    assert calibration is not None
    once = [query for query in queries(scene, rng) if len(query.spans) == 1][:PER_VIDEO]
    lines = []
    for query in once:
        found = agent.find(SceneReader(scene), query.text, top_k=1000, long="whole").candidates
        top = calibration.rate(sorted(found, key=lambda c: -c.confidence)[:MAX_CANDIDATES])
        first = group(top, calibration.nms_iou)[0][0]
        own = calibration.rate([first])[0]
        iou = {name: _iou(best, query.spans[0]) for name, best in [*_firsts(top), (CHAIN, first)]}
        probability = {"its own": own.probability, "of its moment": first.probability}
        lines.append({"seed": seed, "text": query.text, "iou": iou, "probability": probability})
    agent.forget()
    return lines


def _firsts(top: Sequence[Candidate]) -> Iterator[tuple[str, Candidate]]:
    yield "grounder alone", top[0]
    yield "verifier's score (published)", best_first(top)[0]
    yield "probability", max(top, key=lambda c: c.probability or 0.0)


def _iou(candidate: Candidate, span: tuple[float, float]) -> float:
    return round(temporal_iou((candidate.start, candidate.end), span), 4)


@cache
def _agent() -> Agent:
    """One agent per process, on one thread."""
    torch.set_num_threads(1)
    return Agent.from_pretrained()


if __name__ == "__main__":
    main()
