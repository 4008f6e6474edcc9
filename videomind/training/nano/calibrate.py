"""The last stage: the rules by which the finished model says "not in this video", fitted on videos of their own."""

from __future__ import annotations

from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from random import Random

import torch

from videomind.agent import Agent
from videomind.events import Done
from videomind.lora_switch.bundle import load_bundle
from videomind.lora_switch.calibrated import write_calibration
from videomind.synth.questions import Span, absent_query, absent_question, queries, questions, repeated_queries
from videomind.synth.reader import SceneReader
from videomind.synth.world import World, sample_scene
from videomind.training.calibration import Measurement, fit_calibration
from videomind.training.measurements import measurement
from videomind.training.nano.recipe import CALIBRATION_SEEDS

SCENES = 400
FINDERS = ("grounder", "verifier")
ASKERS = ("planner", *FINDERS)


def calibrate(folder: Path, world: World, workers: int, scenes: int = SCENES) -> None:
    """Ask the model for moments of scenes that it was not trained on, and write the fitted rules into its manifest.

    Half of the queries are about what never happens.
    """
    seeds = range(CALIBRATION_SEEDS, CALIBRATION_SEEDS + scenes)
    with get_context("spawn").Pool(workers) as pool:
        measured = [one for some in pool.imap(partial(_measure, folder, world), seeds) for one in some]
    calibration = fit_calibration(measured, f"{scenes} synthetic videos")
    write_calibration(load_bundle(folder), calibration)


def _measure(folder: Path, world: World, seed: int) -> list[Measurement]:
    """What the model says to queries and to questions, of each as many about what is there as about what is not."""
    scene, agent, rng = sample_scene(seed, world), _agent(folder), Random(seed)
    about = [(q.text, (q.span,), ASKERS) for q in questions(scene, rng) if q.query is not None and q.span is not None]
    asked: list[tuple[str, tuple[Span, ...], tuple[str, ...]]] = [*rng.sample(about, min(1, len(about)))]
    asked.append((absent_question(scene, rng).text, (), ASKERS))
    asked += [(q.text, q.spans, FINDERS) for q in (rng.choice(queries(scene, rng)), absent_query(scene, rng))]
    if repeated := repeated_queries(scene, rng):
        asked += [(q.text, q.spans, FINDERS) for q in (rng.choice(repeated), absent_query(scene, rng))]
    measured = []
    for text, truth, roles in asked:
        *_, done = agent.stream(SceneReader(scene), text, roles=roles, every=True, long="whole")
        if isinstance(done, Done) and done.result.trace.grounded:
            measured.append(measurement(done.result, truth))
    agent.forget()
    return measured


@cache
def _agent(folder: Path) -> Agent:
    """One agent per process, on one thread."""
    torch.set_num_threads(1)
    return Agent.from_pretrained(folder)
