"""One training loop: data in order, the trainer, who listens to it, and from where it goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from rich.console import Console

from videomind.errors import DataError, EngineError
from videomind.training.build import Workbench
from videomind.training.callbacks import Numbers, ShownProgress
from videomind.training.checkpoints import newest, seconds_trained, step_of
from videomind.training.collate import collate
from videomind.training.config import TrainConfig
from videomind.training.data import ExampleSet
from videomind.training.filters import Filters
from videomind.training.items import ItemSet
from videomind.training.methods import NEEDS_DATA, default_learning_rate, initialise
from videomind.training.model_source import BASE, ModelSource
from videomind.training.pacing import Ending, Interrupt, Pacer
from videomind.training.processes import Processes
from videomind.training.record import CHECKPOINTS
from videomind.training.record_set import RecordSet
from videomind.training.trainer import RoleTrainer, training_arguments

BASE_RATE = 5e-5
"""Learning rate of the backbone where none is given."""
BEGINNING_EXAMPLES = 16
"""So many examples are shown to methods that begin by looking at data."""


class Reached(NamedTuple):
    """How a loop ended, after how many optimizer steps, of how many."""

    ending: Ending
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that a loop needs, checked and built; meanings as in `run.train`."""

    config: TrainConfig
    source: ModelSource
    bench: Workbench
    sets: list[RecordSet]
    held_out: list[RecordSet]
    device: torch.device
    dtype: torch.dtype
    processes: Processes
    console: Console

    def run(self) -> Reached:
        """Train to the end, or until time is up or someone stops it; `bench` then holds what was learned.

        Raises:
            DataError: nothing of a data set can be used.
            EngineError: the loss is no number any more, or memory is too small.
        """
        items, steps = self._items()
        checkpoint = newest(self.config.out / CHECKPOINTS)
        begin = step_of(checkpoint) if checkpoint else 0
        with ExitStack() as stack:
            interrupt = stack.enter_context(Interrupt().listening())
            stack.enter_context(_plain_errors())
            trained = seconds_trained(checkpoint) if checkpoint else 0.0
            pacer = Pacer(self.config, interrupt, trained, self.processes.leads, self.processes.any_of)
            trainer = self._trainer(steps, items, pacer, self._listeners(begin, items, stack))
            self._initialise(items, trainer.args.device)
            if checkpoint and self.processes.leads:
                self.console.print(f"going on from step {begin} of {steps}", markup=False)
            if begin == steps:
                trainer.load(checkpoint)
                return Reached("done", steps, steps)
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        return Reached(pacer.ending, trainer.state.global_step, steps)

    @property
    def _per_step(self) -> int:
        return self.config.batch_size * self.config.accumulate * self.processes.count

    def _items(self) -> tuple[ItemSet, int]:
        """What is learned in order, for as many steps as the run has."""
        config = self.config
        weights = [source.weight for source in config.data]
        make = partial(self._examples, self.sets, config.seed, weights=weights, jitter=config.jitter)
        steps = math.ceil(config.epochs * len(make()) / self._per_step)
        steps = steps if config.max_steps is None else min(steps, config.max_steps)
        return ItemSet(make(length=steps * self._per_step), self.bench.items, config.seed), steps

    def _examples(self, sets: list[RecordSet], seed: int, **settings: Any) -> ExampleSet:
        specs = {self.source.spec.name: self.source.spec}
        return ExampleSet(sets, specs, seed, filters=filters_of(self.config), **settings)

    def _trainer(self, steps: int, items: ItemSet, pacer: Pacer, listeners: list[Any]) -> RoleTrainer:
        held_out = self._examples(self.held_out, 0, jitter=0.0) if self.held_out else None
        suits = BASE_RATE if self.source.role == BASE else default_learning_rate(self.source.method)
        return RoleTrainer(
            self.bench.trainable,
            training_arguments(self.config, steps, self.device.type, half=self.dtype == torch.bfloat16),
            items,
            ItemSet(held_out, self.bench.items, 0) if held_out is not None else None,
            self.source.method,
            (self.config.learning_rate or suits, self.config.decoder_learning_rate),
            self.config.weight_decay,
            pacer,
            listeners,
        )

    def _listeners(self, begin: int, items: ItemSet, stack: ExitStack) -> list[Any]:
        if not self.processes.leads:
            return []

        def skipped() -> int:
            return sum(items.skipped.values())

        numbers = Numbers(self.config.out, begin, self._per_step, skipped)
        stack.callback(numbers.close)
        shown = ShownProgress(self.console, self.source.role, begin, self._per_step, skipped)
        stack.callback(shown.stop)
        return [numbers, shown]

    def _initialise(self, items: ItemSet, device: torch.device) -> None:
        """Show some examples to a method that begins by looking at data; random numbers then go on as without."""
        trainable, method = self.bench.trainable, self.source.method
        if method.name not in NEEDS_DATA or trainable.adapter is None:
            return
        first = [items[i] for i in range(min(BEGINNING_EXAMPLES, len(items)))]
        batches = [collate([item]).to(device) for item in first]
        with torch.random.fork_rng():
            initialise(trainable.adapter, method, lambda batch: trainable(batch)["loss"], batches)


def filters_of(config: TrainConfig) -> Filters:
    """Which records are left out."""
    return Filters(**config.filters.model_dump())


@contextmanager
def _plain_errors() -> Iterator[None]:
    """An error of a worker process without the traceback that torch wraps it in; too little memory as an error."""
    try:
        yield
    except DataError as error:
        raise DataError(str(error).strip().splitlines()[-1].partition("DataError: ")[2] or str(error)) from error
    except torch.OutOfMemoryError as error:
        raise EngineError(
            "the device ran out of memory: use a smaller --batch-size (and --accumulate), or --gradient-checkpointing"
        ) from error
