"""In which order the candidates of a query are best: `python -m benchmarks.nano.ranking`.

Asked are videos that are neither trained on nor evaluated nor used to fit the rules: on these the chain's order was
chosen (`videomind/roles/judge.py`). One line per query goes to the results, and the mean IoU of the first candidate in
each order is printed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
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


def ask(seed: int) -> list[dict[str, Any]]:
    """The IoU of the candidate that each order puts first, for some queries about one scene."""
    scene, agent, rng = sample_scene(seed), _agent(), Random(seed)
    once = [query for query in queries(scene, rng) if len(query.spans) == 1][:PER_VIDEO]
    lines = []
    for query in once:
        found = agent.find(SceneReader(scene), query.text, top_k=1000, long="whole").candidates
        iou = {name: _iou(best, query.spans[0]) for name, best in _firsts(agent, found)}
        lines.append({"seed": seed, "text": query.text, "iou": iou})
    agent.forget()
    return lines


def _firsts(agent: Agent, found: tuple[Candidate, ...]) -> Iterator[tuple[str, Candidate]]:
    calibration = agent.bundle.calibration
    assert calibration is not None
    top = sorted(found, key=lambda c: -c.confidence)[:MAX_CANDIDATES]
    yield "grounder alone", top[0]
    yield "verifier's score (published)", best_first(top)[0]
    yield "probability", max(top, key=lambda c: c.probability or 0.0)
    yield "moment by probability, ends by confidence", group(top, calibration.nms_iou)[0][0]


def _iou(candidate: Candidate, span: tuple[float, float]) -> float:
    return round(temporal_iou((candidate.start, candidate.end), span), 4)


@cache
def _agent() -> Agent:
    """One agent per process, on one thread."""
    torch.set_num_threads(1)
    return Agent.from_pretrained()


if __name__ == "__main__":
    main()
