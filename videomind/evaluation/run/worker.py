"""A process that holds a model and asks batches."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from videomind.agent import Agent
from videomind.evaluation.run.ahead import Ahead
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.line import Manner, ask_batch
from videomind.synth.dataset import end_with_parent


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The model of a run; meanings as in `Agent.from_pretrained`."""

    model: Path | None = None
    engine: str = "torch"
    engine_config: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    compat: bool = False


def load_agent(settings: ModelSettings) -> Agent:
    """The agent of one worker.

    On a CPU it computes in one thread: workers are many instead, and the number of threads, which has an influence
    on the last bits of results, is the same however many there are.
    """
    import torch

    agent = Agent.from_pretrained(
        settings.model,
        engine=settings.engine,
        engine_config=settings.engine_config,
        device=settings.device,
        dtype=settings.dtype,
        compat=settings.compat,
    )
    if settings.engine == "torch":
        torch.set_num_threads(1)
    return agent


def work(
    connection: Connection, settings: ModelSettings, manner: Manner, number: int, devices: int, decoders: int
) -> None:
    """What the process does: it says that it is ready (or why not), then answers each batch with its lines.

    Args:
        connection: batches come, the next one while the one before is at work; lines go. None = no more comes.
        settings: the model.
        manner: how to ask.
        number: of this worker among all.
        devices: GPUs that workers share out among themselves; 0 = none.
        decoders: processes that decode the videos of the next batch meanwhile; 0 = none.
    """
    signal.signal(signal.SIGTERM, _end)
    end_with_parent()
    if devices:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(number % devices)
    try:
        agent = load_agent(settings)
    except Exception as error:
        connection.send(error)
        return
    connection.send(None)
    with agent, Ahead(agent.views(), decoders) as ahead:
        for batch, frames in ahead.follow(_received(connection)):
            agent.remember(frames)
            connection.send(ask_batch(agent, batch, manner))


def _end(number: int, frame: FrameType | None) -> None:
    """Ends this process, with what it started."""
    raise SystemExit


def _received(connection: Connection) -> Iterator[Batch]:
    """The batches that come, until it is said that there are no more, or nobody is there to say so."""
    with suppress(EOFError):
        yield from iter(connection.recv, None)
