"""How good the embedded model is on held-out synthetic videos: `python -m benchmarks.nano`.

Every thing asked is a line of the output file; running it again continues there. The tables in the docs are made of
these lines. Frames are rendered when they are looked at, at 112 pixels, and resized as those of files are.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

import torch

from benchmarks.nano.ask import MOMENT_KINDS, Record, ask_about
from benchmarks.nano.scenes import WORLDS, scene_of
from benchmarks.nano.tables import report, write
from benchmarks.nano.variants import SHIPPED, VARIANTS, load_variant
from videomind.agent import Agent
from videomind.lora_switch.bundle import NANO
from videomind.synth.questions import OPTIONS, questions
from videomind.synth.reader import SceneReader

ROOT = Path(__file__).resolve().parents[2]
COST_SCENES = 24


class Job(NamedTuple):
    """One video, asked by one variant."""

    variant: str
    world: str
    run: int
    video: int


def main() -> None:
    """Ask what has not been asked yet, then make the tables."""
    options = _parser().parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    records, done = _read(options.out)
    jobs = [job for job in _jobs(options) if job not in done]
    with options.out.open("a") as out, get_context("spawn").Pool(options.workers) as pool:
        if not records:
            out.write(json.dumps(_setting(options)) + "\n")
        began = time.monotonic()
        tasks = ((job, options.model, options.variants) for job in jobs)
        for count, (job, asked) in enumerate(pool.imap_unordered(ask_video, tasks), start=1):
            lines = [{**job._asdict(), **record} for record in asked]
            records += lines
            out.writelines(json.dumps(_rounded(line)) + "\n" for line in lines)
            out.flush()
            if count % 50 == 0:
                left = (time.monotonic() - began) / count * (len(jobs) - count)
                print(f"{count} of {len(jobs)} videos, {left / 60:.0f} min left", flush=True)
    names = VARIANTS if options.variants else VARIANTS[:1]
    costs = measure_costs(names, options.model, options.variants)
    with options.out.open("a") as out:
        out.writelines(json.dumps(cost) + "\n" for cost in costs)
    text = report(records, costs)
    print(text)
    if options.docs:
        write(options.docs, text)


def ask_video(task: tuple[Job, Path, Path | None]) -> tuple[Job, list[Record]]:
    """Everything asked of one video; variants are asked only what they are compared by."""
    job, model, variants = task
    agent = _agent(job.variant, model, variants)
    records = list(ask_about(agent, scene_of(job.world, job.run, job.video), everything=job.variant == SHIPPED))
    agent.forget()
    return job, records


def measure_costs(names: tuple[str, ...], model: Path, variants: Path | None) -> list[Record]:
    """Megabytes of weights, and the median seconds of a question about a moment, asked in turn."""
    torch.set_num_threads(1)
    agents = {name: load_variant(name, variants or Path(), model) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for video in range(COST_SCENES):
        scene = scene_of("held-out", 0, video)
        asked = [q for q in questions(scene, Random(video)) if q.kind in MOMENT_KINDS and len(q.choices) >= OPTIONS - 1]
        if not asked:
            continue
        for name, agent in agents.items():
            agent.forget()
            began = time.perf_counter()
            agent.ask(SceneReader(scene), asked[0].text, options=asked[0].with_options(Random(0)).options)
            seconds[name].append(time.perf_counter() - began)
    costs = []
    for name, agent in agents.items():
        memory = agent.memory()
        total = memory.base + sum(sum(parts.values()) for parts in memory.roles.values())
        costs.append({"variant": name, "megabytes": total / 1e6, "seconds": median(seconds[name])})
    return costs


@cache
def _agent(variant: str, model: Path, variants: Path | None) -> Agent:
    """One agent per variant and process, on one thread."""
    torch.set_num_threads(1)
    return load_variant(variant, variants or Path(), model)


def _jobs(options: argparse.Namespace) -> Iterator[Job]:
    counts = {"held-out": options.videos, "other style": options.other_videos}
    for world, run in product(WORLDS, range(options.runs)):
        yield from (Job(SHIPPED, world, run, video) for video in range(counts[world]))
    if options.variants:
        for variant, run in product(VARIANTS[1:], range(options.runs)):
            yield from (Job(variant, "held-out", run, video) for video in range(options.variant_videos))


def _read(path: Path) -> tuple[list[Record], set[Job]]:
    """The records of an earlier run, and the videos they are about."""
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    records = [line for line in lines if "task" in line]
    return records, {Job(*(record[field] for field in Job._fields)) for record in records}


def _rounded(value: Any) -> Any:
    """Floats to four decimals, also inside lists and dictionaries."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value


def _setting(options: argparse.Namespace) -> Record:
    return {
        "benchmark": "nano",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {options.workers} workers of one thread",
        "versions": {name: version(name) for name in ("torch", "transformers", "numpy")},
        "weights": json.loads((options.model / "training.json").read_text())["sha256"],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=350, help="held-out videos per run")
    parser.add_argument("--other-videos", type=int, default=350, help="videos in another style per run")
    parser.add_argument("--variant-videos", type=int, default=175, help="held-out videos per run and variant")
    parser.add_argument("--runs", type=int, default=3, help="evaluation seeds")
    parser.add_argument("--workers", type=int, default=2, help="processes, each with its own agent on one thread")
    parser.add_argument("--model", type=Path, default=NANO)
    parser.add_argument("--variants", type=Path, default=None, help="folder written by benchmarks.nano.variants")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "nano.jsonl")
    parser.add_argument("--docs", type=Path, default=None, help="document whose tables are to be replaced")
    return parser
