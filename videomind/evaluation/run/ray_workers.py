"""Workers on a Ray cluster: Ray Data gives the batches to a pool of actors, each of which holds a model."""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

from videomind.errors import EngineError, InputError, VideoMindError
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.journal import Line
from videomind.evaluation.run.line import Manner
from videomind.evaluation.run.ray_actor import Asker, Ledger
from videomind.model_choice import ModelChoice

LOCAL = "local"
LOCAL_STORE_BYTES = 200 << 20
"""Shared memory of a cluster of our own; batches and lines are small."""
REACH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RayWorkers:
    """Actors on the machines of a Ray cluster.

    Attributes:
        choice: the model; its files are at the same place on all machines, as the videos are.
        manner: how to ask.
        address: "local" = a cluster on this machine, for this run alone; else of one that is there, as in `ray.init`.
        count: actors; None = as many as the cluster has room for.
        num_gpus: of each actor, also a part of one; 0 = none, each takes a processor.
    """

    choice: ModelChoice
    manner: Manner
    address: str
    count: int | None = None
    num_gpus: float = 0

    def run(self, batches: Sequence[Batch]) -> Generator[list[Line]]:
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
                text = _first_line(error.cause)  # Ray appends advice
                if isinstance(error.cause, VideoMindError):
                    raise type(error.cause)(text) from None
                raise EngineError(f"an actor on Ray failed: {type(error.cause).__name__}: {text}") from error
            except RayError as error:
                raise EngineError(f"Ray gave up: {_first_line(error)}; the same command goes on") from error

    def _asked(self, batches: Sequence[Batch]) -> Any:
        """The data set of the lines of each batch."""
        import ray.data

        count = min(self._size(ray.nodes()), len(batches))
        ledger = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Ledger).remote()
        rows = [{"number": number, "batch": batch} for number, batch in enumerate(batches)]
        return ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            Asker,
            fn_constructor_args=(_from_anywhere(self.choice), _manner_from_anywhere(self.manner), ledger),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=1),
            num_gpus=self.num_gpus,
        )

    def _size(self, nodes: Sequence[Mapping[str, Any]]) -> int:
        """Actors; where their number is given, a cluster may still have to grow for them."""
        if not self.num_gpus and self.choice.device in ("auto", "cuda") and any(_has(node, "GPU") for node in nodes):
            raise InputError("the Ray cluster has GPUs: give --num-gpus 1 (or a part) to use them, else --device cpu")
        if self.count is not None and self.address != LOCAL:
            return self.count
        most = room(nodes, self.num_gpus)
        return self.count or most

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        """Connected to the cluster; one of our own ends with this."""
        try:
            import ray.data
        except ImportError:
            raise InputError("Ray is not installed: pip install 'videomind-agent[ray]'") from None
        try:
            self._connect()
            _quieten()
            yield
        finally:
            ray.shutdown()

    def _connect(self) -> None:
        import ray

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if "://" in self.address:
            raise InputError(f"{self.address}: Ray Data needs a machine of the cluster; start there, with --ray auto")
        own: dict[str, Any] = {}
        if self.address == LOCAL:
            own = {"num_cpus": self.count, "include_dashboard": False, "object_store_memory": LOCAL_STORE_BYTES}
        try:
            _reach(self.address)
            ray.init(self.address, log_to_driver=False, logging_level=logging.ERROR, **own)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise InputError(
                f"no Ray cluster at {self.address} ({_first_line(error)}): give the address that `ray start --head` "
                "printed, auto on a machine of the cluster, or local"
            ) from None


def _reach(address: str) -> None:
    """Ray itself would try for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=REACH_SECONDS).close()


def room(nodes: Sequence[Mapping[str, Any]], num_gpus: float) -> int:
    """Actors that fit on the machines of a cluster.

    Args:
        nodes: its machines, as `ray.nodes` tells.
        num_gpus: of each actor; 0 = each takes a processor.

    Raises:
        InputError: no machine has so many GPUs.
    """
    if not num_gpus:
        return max(1, sum(int(_has(node, "CPU")) for node in nodes))
    gpus = [_has(node, "GPU") for node in nodes]
    actors = sum(int(here * int(1 / num_gpus) if num_gpus < 1 else here // num_gpus) for here in gpus)
    if not actors:
        most = max(gpus, default=0)
        raise InputError(f"no machine of the Ray cluster has {num_gpus:g} GPUs (the most: {most:g}): lower --num-gpus")
    return actors


def _has(node: Mapping[str, Any], resource: str) -> float:
    return float(node["Resources"].get(resource, 0)) if node["Alive"] else 0.0


def _from_anywhere(choice: ModelChoice) -> ModelChoice:
    """With absolute paths: an actor works in another folder."""
    model, config = choice.model, choice.engine_config
    return replace(choice, model=model and model.absolute(), engine_config=config and config.absolute())


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


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
