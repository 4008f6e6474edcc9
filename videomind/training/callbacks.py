"""What a run shows and writes while it goes on: a progress line, metrics.jsonl, TensorBoard events."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import TrainerCallback

from videomind.errors import EngineError
from videomind.training.record import EVENTS, METRICS

SHOWN = ("loss", "reply", "decoder", "focal", "offset", "contrast")
EVAL_PREFIX = "eval_"


class _Speed:
    """Steps per second since the last look.

    Args:
        step: where the run begins.
    """

    def __init__(self, step: int) -> None:
        self._step, self._since = step, time.monotonic()

    def start(self) -> None:
        self._since = time.monotonic()

    def look(self, step: int) -> float:
        now = time.monotonic()
        speed = (step - self._step) / max(now - self._since, 1e-9)
        self._step, self._since = step, now
        return speed


class Numbers(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Writes every line of numbers to `metrics.jsonl` and to TensorBoard's event files.

    Args:
        out: the run's folder.
        begin: the step that the run goes on from; what a killed run wrote beyond it is dropped.
        per_step: examples of one step, over all processes.
        skipped: how many records were skipped so far.
    """

    def __init__(self, out: Path, begin: int, per_step: int, skipped: Callable[[], int]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        drop_after(out / METRICS, begin)
        self._file = (out / METRICS).open("a", encoding="utf-8")
        self._events = SummaryWriter(str(out / EVENTS), purge_step=begin + 1)
        self._per_step, self._skipped = per_step, skipped
        self._speed, self._since = _Speed(begin), time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._speed.start()
        self._since = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" not in logs and f"{EVAL_PREFIX}loss" not in logs:
            return
        step, seconds = state.global_step, round(time.monotonic() - self._since, 3)
        numbers = {name: value for name, value in logs.items() if name != "epoch"}  # theirs is the share of the run
        if "loss" in logs:
            numbers["samples_per_second"] = round(self._speed.look(step) * self._per_step, 3)
        line = {"step": step, **numbers, "skipped": self._skipped(), "seconds": seconds}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        for name, value in numbers.items():
            self._events.add_scalar(_tag(name), value, step)
        if not math.isfinite(logs.get("loss", 0.0)):
            raise EngineError(f"the loss is no number any more at step {step}: use a lower --learning-rate")

    def close(self) -> None:
        """Finish the files."""
        self._file.close()
        self._events.close()


class ShownProgress(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
    """Step, parts of the loss, speed and time left: one live line on a terminal, plain lines elsewhere.

    Args:
        console: where to.
        role: what is trained.
        begin, per_step, skipped: as for `Numbers`.
    """

    def __init__(self, console: Console, role: str, begin: int, per_step: int, skipped: Callable[[], int]) -> None:
        self._console, self._role = console, role
        self._per_step, self._skipped, self._speed = per_step, skipped, _Speed(begin)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(role, total=None, completed=begin, numbers="")

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._speed.start()
        self._bar.update(self._task, total=state.max_steps)
        self._bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._bar.update(self._task, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" in logs:
            self._show(state, logs, self._speed.look(state.global_step))
        elif measured := {n.removeprefix(EVAL_PREFIX): v for n, v in logs.items() if n.startswith(EVAL_PREFIX)}:
            text = " ".join(f"{name} {value:.3f}" for name, value in measured.items())
            self._console.print(f"step {state.global_step}, held out: {text}", markup=False, soft_wrap=True)

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()

    def _show(self, state: Any, logs: dict[str, float], steps_per_second: float) -> None:
        parts = " ".join(f"{name} {logs[name]:.3f}" for name in SHOWN if name in logs)
        skipped = f", {self._skipped():,} skipped" if self._skipped() else ""
        text = f"{parts}, {steps_per_second * self._per_step:.1f} samples/s{skipped}"
        self._bar.update(self._task, numbers=text)
        if not self._console.is_terminal:
            left = (state.max_steps - state.global_step) / max(steps_per_second, 1e-9)
            line = f"{self._role} {state.global_step}/{state.max_steps}: {text}, {_minutes(left)} left"
            self._console.print(line, markup=False, soft_wrap=True)


def drop_after(path: Path, step: int) -> None:
    """Cut the lines of later steps, and a last line that was not finished, off a metrics file."""
    if not path.is_file():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            if json.loads(line)["step"] > step:
                break
        except (ValueError, KeyError, TypeError):
            break
        kept.append(line)
    path.write_text("".join(kept), encoding="utf-8")


def _tag(name: str) -> str:
    return f"eval/{name.removeprefix(EVAL_PREFIX)}" if name.startswith(EVAL_PREFIX) else f"train/{name}"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
