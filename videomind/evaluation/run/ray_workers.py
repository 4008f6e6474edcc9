"""Workers on a Ray cluster: Ray Data gives the batches to a pool of actors, each of which holds a model."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from videomind.agent import Agent
from videomind.errors import EngineError, InputError, VideoMindError
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.journal import Line
from videomind.evaluation.run.line import Manner, ask_batch, failed
from videomind.evaluation.run.worker import ModelSettings, load_agent
from videomind.evaluation.run.workers import MOST_DEATHS

LOCAL = "local"
LOCAL_STORE_BYTES = 200 << 20
"""Shared memory of a cluster of our own; batches and lines are small."""
REACH_SECONDS = 10.0
TRIES = 2
"""Actors that may die of one batch."""


@dataclass(frozen=True, slots=True)
class RayWorkers:
    """Actors on the machines of a Ray cluster.

    Attributes:
        settings: the model; its files are at the same place on all machines, as the videos are.
        manner: how to ask.
        address: "local" = a cluster on this machine, for this run alone; else of one that is there, as in `ray.init`.
        count: actors; None = as many as the cluster has room for.
        num_gpus: of each actor, also a part of one; 0 = it has a processor alone.
    """

    settings: ModelSettings
    manner: Manner
    address: str
    count: int | None = None
    num_gpus: float = 0

    def run(self, batches: Sequence[Batch]) -> Iterator[list[Line]]:
        """As `Workers.run`.

        A batch whose actor died is asked once more, whole; if that one dies too, its samples have failed.

        Raises:
            InputError: Ray is not installed, is not found at the address, or has no such GPUs.
        """
        if self.num_gpus > 1 and self.num_gpus % 1:
            raise InputError(f"--num-gpus {self.num_gpus}: give a part of one GPU, or a whole number of them")
        with redirect_stdout(sys.stderr), self._cluster():  # Ray prints there that an actor died
            from ray.exceptions import RayError, RayTaskError

            try:
                for rows in self._asked(batches).iter_batches(batch_size=1, prefetch_batches=0):
                    yield json.loads(rows["lines"][0])
            except RayTaskError as error:
                if isinstance(error.cause, VideoMindError):
                    raise error.cause from None
                raise EngineError(f"an actor on Ray failed: {_last_line(error)}") from error
            except RayError as error:
                raise EngineError(f"Ray gave up: {_last_line(error)}; the same command goes on") from error

    def _asked(self, batches: Sequence[Batch]) -> Any:
        """The data set of the lines of each batch."""
        import ray.data

        count = min(self.count or _room(ray.nodes(), self.num_gpus), len(batches))
        ledger = ray.remote(num_cpus=0)(Ledger).remote(MOST_DEATHS + count)
        rows = [{"number": number, "batch": batch} for number, batch in enumerate(batches)]
        return ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            Asker,
            fn_constructor_args=(_from_anywhere(self.settings), _manner_from_anywhere(self.manner), ledger),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=1),
            num_gpus=self.num_gpus,
        )

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray.data
        except ImportError:
            raise InputError("Ray is not installed: pip install 'videomind-agent[ray]'") from None
        own = {"num_cpus": self.count, "include_dashboard": False, "object_store_memory": LOCAL_STORE_BYTES}
        try:
            _reach(self.address)
            ray.init(
                self.address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **(own if self.address == LOCAL else {}),
            )
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise InputError(
                f"no Ray cluster at {self.address} ({_last_line(error)}): give the address that `ray start --head` "
                "printed, auto for a cluster that this machine belongs to, or local"
            ) from None
        _quieten()
        try:
            yield
        finally:
            ray.shutdown()


class Asker:
    """What an actor does; the model is loaded for the first batch."""

    def __init__(self, settings: ModelSettings, manner: Manner, ledger: Any) -> None:
        self._settings, self._manner, self._ledger = settings, manner, ledger

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, list[str]]:
        """The lines of a batch, as JSON."""
        import ray

        number, batch = int(rows["number"][0]), rows["batch"][0]
        if ray.get(self._ledger.begin.remote(number)) > TRIES:
            why = f"the {TRIES} actors that worked on its batch died"
            lines = [failed(one, why, batch.attempt) for one in batch.asked]
        else:
            _check_videos(batch)
            lines = ask_batch(self._agent, batch, self._manner)
            ray.get(self._ledger.end.remote())
        return {"lines": [json.dumps(lines)]}

    @cached_property
    def _agent(self) -> Agent:
        return load_agent(self._settings)


class Ledger:
    """How often each batch was begun: an actor of its own, which outlives those that die of a batch.

    Args:
        most: batches that may be begun in a row without one that ends.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._begun: Counter[int] = Counter()
        self._in_a_row = 0

    def begin(self, number: int) -> int:
        """How often this batch was begun, now included.

        Raises:
            EngineError: actors die without end.
        """
        self._in_a_row += 1
        if self._in_a_row > self._most:
            raise EngineError(
                f"{MOST_DEATHS} actors died in a row, without one batch finished; is there memory enough?"
            )
        self._begun[number] += 1
        return self._begun[number]

    def end(self) -> None:
        """A batch has ended."""
        self._in_a_row = 0


def _reach(address: str) -> None:
    """Ray itself would try for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()


def _check_videos(batch: Batch) -> None:
    """The driver has seen all videos: one that is missing here is missing on this machine."""
    for one in batch.asked:
        if not one.video.exists():
            raise InputError(
                f"{one.video} is missing on {socket.gethostname()}: on Ray, videos and the folder of the model have to "
                "be at the same place on all machines"
            )


def _room(nodes: Sequence[Mapping[str, Any]], num_gpus: float) -> int:
    """Actors that fit on the machines of a cluster."""
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    if not num_gpus:
        return max(1, sum(int(one.get("CPU", 0)) for one in resources))
    gpus = [one.get("GPU", 0) for one in resources]
    room = sum(int(here * int(1 / num_gpus) if num_gpus < 1 else here // num_gpus) for here in gpus)
    if not room:
        most = max(gpus, default=0)
        raise InputError(f"no machine of the Ray cluster has {num_gpus:g} GPUs (the most: {most:g}): lower --num-gpus")
    return room


def _from_anywhere(settings: ModelSettings) -> ModelSettings:
    """With absolute paths: an actor works in another folder."""
    model, config = settings.model, settings.engine_config
    return replace(settings, model=model and model.absolute(), engine_config=config and config.absolute())


def _manner_from_anywhere(manner: Manner) -> Manner:
    return replace(manner, subtitles={task: folder.absolute() for task, folder in manner.subtitles.items()})


def _quieten() -> None:
    """Ray Data's own progress and advice is for its log file; there is nothing to see in it for who evaluates."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.raise_original_map_exception = True
    context.execution_no_progress_timeout_s = -1  # a batch takes as long as it takes
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setLevel(logging.CRITICAL)


def _last_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
