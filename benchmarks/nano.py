"""How good the embedded model is on held-out synthetic videos, measured through the product: mp4 files and the agent.

    python benchmarks/nano.py [--videos N] [--model DIR] [--out FILE] [--docs FILE]

Each video is asked for one moment that is there, one that is not, one multiple-choice and one open question. Every
item is a line of the output file; the table in the docs is made from them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import fmean

import torch

from videomind.agent import Agent
from videomind.lora_switch.bundle import NANO
from videomind.results import Result
from videomind.synth.questions import Question, absent_query, queries, questions
from videomind.synth.video import write_scene
from videomind.synth.world import Scene, sample_scene
from videomind.training.nano.clips import overlap
from videomind.training.nano.recipe import EVALUATION_SEEDS

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- numbers -->", "<!-- end of numbers -->"
CHANCE_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Item:
    """One thing asked of one video.

    Attributes:
        task: "find", "absent", "choice" or "open".
        kind: of question.
        text: what was asked.
        right: the right answer; what was said.
        said: the model's answer.
        span: the moment asked for, if any.
        first: IoU of the grounder's best candidate.
        chosen: IoU of the moment chosen after verification.
        best_of_5: best IoU among the grounder's first five.
        confidence: of the grounder's best candidate.
        planned: whether the planner chose the right route; None where it was not asked.
        chance: IoU ≥ 0.5 by a random span of a usual length.
        seconds: of the call.
    """

    task: str
    kind: str
    text: str
    right: str
    said: str
    span: tuple[float, float] | None
    first: float | None = None
    chosen: float | None = None
    best_of_5: float | None = None
    confidence: float | None = None
    planned: bool | None = None
    chance: float | None = None
    seconds: float = 0.0


def main() -> None:
    options = _parser().parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    items: list[Item] = []
    seeds = [EVALUATION_SEEDS + options.first + index for index in range(options.videos)]
    with options.out.open("w") as out, get_context("spawn").Pool(options.workers) as pool:
        out.write(json.dumps(_setting(options)) + "\n")
        for seed, asked in pool.imap(partial(ask_scene, options.model, options.size), seeds):
            items += asked
            out.writelines(json.dumps({"seed": seed, **asdict(item)}) + "\n" for item in asked)
            out.flush()
    table = make_table(items)
    print(table)
    if options.docs:
        write_table(options.docs, table)


@cache
def _agent(model: Path) -> Agent:
    """One agent per process, on one thread."""
    torch.set_num_threads(1)
    return Agent.from_pretrained(model)


def ask_scene(model: Path, size: int, seed: int) -> tuple[int, list[Item]]:
    """Film one scene and ask everything about it."""
    scene, agent = sample_scene(seed), _agent(model)
    with tempfile.TemporaryDirectory() as folder:
        path = write_scene(scene, Path(folder) / "video.mp4", size)
        items = list(ask_all(agent, scene, path))
    agent.forget()
    return seed, items


def ask_all(agent: Agent, scene: Scene, path: Path) -> Iterator[Item]:
    """Ask one video everything."""
    rng = Random(scene.seed)
    query = rng.choice(queries(scene, rng))
    result, seconds = _timed(lambda: agent.find(path, query.text))
    chance = _random_overlap(rng, scene, query.span)
    yield Item("find", "find", query.text, "", "", query.span, *_overlaps(result, query.span), None, chance, seconds)
    nothing = absent_query(scene, rng)
    result, seconds = _timed(lambda: agent.find(path, nothing.text))
    confidence = result.trace.grounded[0].confidence if result.trace.grounded else 0.0
    yield Item("absent", "absent", nothing.text, "", "", None, confidence=confidence, seconds=seconds)
    asked = [q for q in questions(scene, rng) if q.kind not in ("when", "describe")]
    for task, pool in (("choice", [q for q in asked if len(q.choices) >= 3]), ("open", asked)):
        kind = rng.choice(sorted({q.kind for q in pool}))
        question = rng.choice([q for q in pool if q.kind == kind])
        yield _ask(agent, path, question.with_options(rng) if task == "choice" else question, task)


def _ask(agent: Agent, path: Path, question: Question, task: str) -> Item:
    result, seconds = _timed(lambda: agent.ask(path, question.text, options=question.options or None))
    answer = result.answer
    said = (answer.option if task == "choice" else answer.text) if answer else None
    right = question.letter if task == "choice" else question.answer
    planned = result.plan.parsed and ("grounder" in result.plan.roles) == (question.query is not None)
    overlaps = _overlaps(result, question.span) if planned else (None,) * 4
    return Item(task, question.kind, question.text, right, said or "", question.span, *overlaps, planned, None, seconds)


def _overlaps(
    result: Result, span: tuple[float, float] | None
) -> tuple[float | None, float | None, float | None, float | None]:
    """IoU of the grounder's first candidate, of the chosen moment, of the best of five; the first's confidence."""
    if span is None or result.moment is None or not result.trace.grounded:
        return None, None, None, None
    grounded = [overlap((c.start, c.end), span) for c in result.trace.grounded[:5]]
    chosen = overlap((result.moment.start, result.moment.end), span)
    return grounded[0], chosen, max(grounded), result.trace.grounded[0].confidence


def _random_overlap(rng: Random, scene: Scene, span: tuple[float, float] | None) -> float | None:
    if span is None:
        return None
    lengths = [rng.uniform(3.0, 6.0) for _ in range(CHANCE_DRAWS)]
    starts = [rng.uniform(0.0, scene.duration - length) for length in lengths]
    return fmean(overlap((s, s + n), span) >= 0.5 for s, n in zip(starts, lengths, strict=True))


def _timed(call: Callable[[], Result]) -> tuple[Result, float]:
    began = time.perf_counter()
    result = call()
    return result, round(time.perf_counter() - began, 3)


def make_table(items: list[Item]) -> str:
    """The numbers as a Markdown table."""
    find = [i for i in items if i.task == "find" and i.first is not None]
    absent = [i.confidence or 0.0 for i in items if i.task == "absent"]
    choice, open_ = ([i for i in items if i.task == task] for task in ("choice", "open"))
    asked = [i for i in items if i.planned is not None]
    grounded = [i for i in asked if i.chosen is not None]
    chance = f"{fmean(i.chance or 0.0 for i in find):.2f}" if find else ""
    told_apart = [(f.confidence or 0.0) > a for f in find for a in absent]
    both = f"{len(find)} + {len(absent)}"
    rows = [
        _row("R1@0.5, grounder alone", [(i.first or 0) >= 0.5 for i in find], chance),
        _row("R1@0.5, after verification", [(i.chosen or 0) >= 0.5 for i in find], chance),
        _row("R1@0.7, grounder alone", [(i.first or 0) >= 0.7 for i in find]),
        _row("R1@0.7, after verification", [(i.chosen or 0) >= 0.7 for i in find]),
        _row("R5@0.5, grounder alone", [(i.best_of_5 or 0) >= 0.5 for i in find]),
        f"| mean IoU, grounder alone | {fmean(i.first or 0 for i in find):.2f} | | {len(find)} | |",
        f"| mean IoU, after verification | {fmean(i.chosen or 0 for i in find):.2f} | | {len(find)} | |",
        f"| there or not, ROC area of the confidence | {fmean(told_apart):.2f} | | {both} | 0.50 |",
        _row("planner: right route", [bool(i.planned) for i in asked], "0.50"),
        _row("R1@0.5 within a question (plan, ground, verify)", [(i.chosen or 0) >= 0.5 for i in grounded]),
        _row("multiple choice (4 options)", [i.said == i.right for i in choice], "0.25"),
        _row("open questions, exact words", [i.said.strip().lower() == i.right for i in open_]),
    ]
    for kind in sorted({i.kind for i in choice}):
        rows.append(_row(f"multiple choice: {kind}", [i.said == i.right for i in choice if i.kind == kind], "0.25"))
    head = ["| | value | 95 % interval | n | chance |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _row(name: str, hits: list[bool], chance: str = "") -> str:
    if not hits:
        return f"| {name} | | | 0 | {chance} |"
    low, high = _wilson(sum(hits), len(hits))
    return f"| {name} | {fmean(hits):.2f} | {low:.2f}–{high:.2f} | {len(hits)} | {chance} |"


def _wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion."""
    p, z2 = hits / n, z * z
    centre, half = p + z2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)


def write_table(path: Path, table: str) -> None:
    """Put the table between the two markers of a document."""
    before, rest = path.read_text().split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}")


def _setting(options: argparse.Namespace) -> dict[str, object]:
    return {
        "benchmark": "nano",
        "model": options.model.name,
        "videos": options.videos,
        "size": options.size,
        "first_seed": EVALUATION_SEEDS + options.first,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {options.workers} workers of one thread",
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy", "av")},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="skip this many held-out videos")
    parser.add_argument("--size", type=int, default=224, help="side of the video files in pixels")
    parser.add_argument("--workers", type=int, default=2, help="processes, each with its own agent on one thread")
    parser.add_argument("--model", type=Path, default=NANO)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "nano.jsonl")
    parser.add_argument("--docs", type=Path, default=None, help="document whose table is to be replaced")
    return parser


if __name__ == "__main__":
    main()
