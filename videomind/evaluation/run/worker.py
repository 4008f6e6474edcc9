"""A process that holds a model and asks batches."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType

from videomind.agent import Agent
from videomind.child_process import end_with_parent
from videomind.evaluation.run.ahead import Ahead
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.line import Manner, ask_batch
from videomind.model_choice import ModelChoice


def load_agent(choice: ModelChoice) -> Agent:
    """The agent of one worker.

    On a CPU it computes in one thread: workers are many instead, and the number of threads, which has an influence
    on the last bits of results, is the same however many there are.
    """
    import torch

    agent = choice.load()
    if choice.engine == "torch":
        torch.set_num_threads(1)
    return agent


def work(connection: Connection, choice: ModelChoice, manner: Manner, gpu: str | None, decoders: int) -> None:
    """What the process does: it says that it is ready (or why not), then answers each batch with its lines.

    Args:
        connection: batches come, the next one while the one before is at work; lines go. None = no more comes.
        choice: the model.
        manner: how to ask.
        gpu: the only one that it may see, as in CUDA_VISIBLE_DEVICES; None = what there is.
        decoders: processes that decode the videos of the next batch meanwhile; 0 = none.
    """
    signal.signal(signal.SIGTERM, _end)
    end_with_parent()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    try:
        agent = load_agent(choice)
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
