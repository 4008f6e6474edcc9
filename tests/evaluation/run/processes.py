"""What the tests have other processes do: workers that die of some questions, and a whole run that can be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context, set_forkserver_preload
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from videomind.agent import Agent
from videomind.evaluation.run import batches, worker
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.journal import Line
from videomind.evaluation.run.line import Manner, ask_batch
from videomind.evaluation.run.run import RunSettings, run
from videomind.evaluation.run.worker import load_agent
from videomind.evaluation.tasks import synth, task
from videomind.model_choice import ModelChoice

CPU = ModelChoice(device="cpu")
SAMPLES = 2 * synth.PER_VIDEO
KILL, EXIT = "kill the worker", "exit the worker"
ONCE = "kill the worker unless there is "
"""Before the name of a file, which is then made."""


def forked() -> Any:
    """Processes forked from one that has imported what they need: they start in half a second instead of five."""
    set_forkserver_preload(
        [__name__, "videomind.engines.torch_engine", "transformers.models.qwen2_vl.modeling_qwen2_vl"]
    )
    return get_context("forkserver")


@dataclass(frozen=True)
class Here:
    """Workers that are this very process."""

    agent: Agent
    manner: Manner

    def run(self, batches: Sequence[Batch]) -> Iterator[list[Line]]:
        for batch in batches:
            yield ask_batch(self.agent, batch, self.manner)


class Silent:
    """Watches a run and keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def status(self, text: str) -> None:
        self.told.append(("status", text))

    def preparing(self, done: int, total: int) -> None:
        self.told.append(("preparing", (done, total)))

    def begin(self, done: Sequence[Line], total: int) -> None:
        self.told.append(("begin", (len(done), total)))

    def add(self, lines: Sequence[Line]) -> None:
        self.told.append(("add", [(line["id"], line["attempt"], line["error"] is None) for line in lines]))

    def of(self, what: str) -> list[Any]:
        return [value for kind, value in self.told if kind == what]


def mortal_work(connection: Connection, *arguments: Any) -> None:
    """`work` of a worker that dies of some questions."""
    worker.ask_batch = _die_or_ask
    worker.work(connection, *arguments)


def _die_or_ask(agent: Agent, batch: Batch, manner: Manner) -> list[Line]:
    for one in batch.asked:
        question = one.sample.question
        if question == EXIT:
            os._exit(3)
        mark = Path(question.removeprefix(ONCE))
        if question == KILL or (question.startswith(ONCE) and not mark.exists()):
            if question != KILL:
                mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return ask_batch(agent, batch, manner)


def synth_settings(data: Path, output: Path) -> RunSettings:
    """The questions of two videos, asked by the embedded model."""
    return RunSettings((task("synth"),), output, data, CPU, limit=SAMPLES)


def run_synth(data: Path, output: Path) -> None:
    """A run in a process that may be killed, a batch for each video."""
    batches.AT_ONCE = 1
    run(synth_settings(data, output), lambda manner: Here(load_agent(CPU), manner), Silent())
