"""What is due after each step: numbers, a checkpoint, measuring, the end; and what Ctrl-C does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, Self

from transformers import TrainerCallback

from videomind.training.config import TrainConfig

Ending = Literal["done", "minutes", "interrupted"]
Agree = Callable[[list[bool]], list[bool]]
"""Of flags of one process, which are up in any."""


class Interrupt:
    """Ctrl-C or SIGTERM: the first asks the run to stop after its step, the second stops it at once."""

    def __init__(self) -> None:
        self.asked = False
        self._process = os.getpid()

    @contextmanager
    def listening(self) -> Iterator[Self]:
        """Within this context the signals come here; in other threads than the main one nothing is heard."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a worker, which the run ends itself
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


class Pacer(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Sets transformers' control flags after every step, the same in all processes.

    Args:
        config: the intervals and the budget.
        interrupt: whether to stop.
        trained: seconds that earlier runs have trained.
        leads: whether this process's clock counts.
        agree: how processes agree.
    """

    def __init__(self, config: TrainConfig, interrupt: Interrupt, trained: float, leads: bool, agree: Agree) -> None:
        self._config, self._interrupt, self._leads, self._agree = config, interrupt, leads, agree
        self._trained = trained
        self._began = self._saved = time.monotonic()
        self.ending: Ending = "done"

    @property
    def seconds(self) -> float:
        """How long the run has trained, earlier runs included."""
        return self._trained + time.monotonic() - self._began

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began = self._saved = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        config, step, last = self._config, state.global_step, state.global_step >= state.max_steps
        over = self._leads and config.minutes is not None and self.seconds >= 60 * config.minutes
        late = self._leads and config.save_minutes is not None and self._waited() >= 60 * config.save_minutes
        over, late, stop = self._agree([over, late, self._interrupt.asked])
        if (over or stop) and not last:
            self.ending = "interrupted" if stop else "minutes"
            control.should_training_stop = True
        ends = control.should_training_stop or last
        if ends or late or (config.save_steps is not None and step % config.save_steps == 0):
            control.should_save = True
        control.should_log = control.should_save or step % config.log_steps == 0
        measured = config.eval_steps is not None and step % config.eval_steps == 0
        control.should_evaluate = bool(config.eval_data) and (measured or (ends and self.ending != "interrupted"))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._saved = time.monotonic()

    def _waited(self) -> float:
        return time.monotonic() - self._saved
