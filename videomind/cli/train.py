"""`videomind train`: a role, or the backbone, learned from examples."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from videomind.cli.terminal import printable, progress_console

if TYPE_CHECKING:
    from videomind.training.run import Outcome

INTERRUPTED = 130
DATA, MODEL, LENGTH, LEARNING, MACHINE, PROGRESS = "Data", "Model", "How long", "Learning", "Machine", "Progress"


class Trained(StrEnum):
    """What can be trained."""

    planner = "planner"
    grounder = "grounder"
    verifier = "verifier"
    answerer = "answerer"
    base = "base"


def _option(panel: str, text: str, metavar: str | None = None) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=panel)


def _switch(panel: str, name: str, text: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel)


SOURCE = "Records (JSONL), a folder of `videomind synth`, or LAYOUT=FILE. May be repeated."
PREDICT = "verifier: learn from what the model's own grounder predicts on grounding records."
START = "Model folder to start from; its other roles are kept. Default: the embedded model."


def train(
    role: Annotated[Trained, typer.Argument(help="Which role; base = the language model itself, without adapter.")],
    config: Annotated[
        Path | None, typer.Option(help="Settings as TOML (docs/training.md). Flags go before them.", metavar="FILE")
    ] = None,
    data: Annotated[list[str] | None, _option(DATA, SOURCE, "PATH[:WEIGHT]")] = None,
    eval_data: Annotated[list[str] | None, _option(DATA, "What to measure on, in the same way.", "PATH")] = None,
    videos: Annotated[Path | None, _option(DATA, "Folder of the videos. Default: that of the records.", "DIR")] = None,
    from_predictions: Annotated[bool | None, _switch(DATA, "--from-predictions", PREDICT)] = None,
    out: Annotated[Path | None, _option(MODEL, "The model folder to make, or to go on with.", "DIR")] = None,
    model: Annotated[Path | None, _option(MODEL, START, "DIR")] = None,
    base: Annotated[Path | None, _option(MODEL, "A bare Qwen2-VL to start from instead.", "DIR")] = None,
    method: Annotated[str | None, _option(MODEL, "How to adapt: lora, dora, alora, … (docs/training.md).")] = None,
    rank: Annotated[int | None, _option(MODEL, "Size of the adapter.")] = None,
    alpha: Annotated[float | None, _option(MODEL, "Its scale is alpha / rank.")] = None,
    train_visual: Annotated[
        bool | None, _switch(MODEL, "--train-visual", "base: the visual tower learns along.")
    ] = None,
    epochs: Annotated[float | None, _option(LENGTH, "How often the data is seen.")] = None,
    max_steps: Annotated[int | None, _option(LENGTH, "At most so many optimizer steps.")] = None,
    minutes: Annotated[float | None, _option(LENGTH, "Stop after so many minutes and keep what there is.")] = None,
    batch_size: Annotated[int | None, _option(LEARNING, "Examples on a device at once.")] = None,
    accumulate: Annotated[int | None, _option(LEARNING, "Batches for one optimizer step.")] = None,
    learning_rate: Annotated[float | None, _option(LEARNING, "Default: what suits the method.")] = None,
    seed: Annotated[int | None, _option(LEARNING, "Of order, beginning and dropout.")] = None,
    device: Annotated[str | None, _option(MACHINE, "auto, cpu or cuda.")] = None,
    precision: Annotated[str | None, _option(MACHINE, "auto, float32 or bfloat16.")] = None,
    gradient_checkpointing: Annotated[
        bool | None, _switch(MACHINE, "--gradient-checkpointing", "Less memory, more time.")
    ] = None,
    workers: Annotated[int | None, _option(MACHINE, "Processes that read videos.")] = None,
    log_steps: Annotated[int | None, _option(PROGRESS, "Numbers every so many steps.")] = None,
    eval_steps: Annotated[int | None, _option(PROGRESS, "Measure every so many steps. Default: at the end.")] = None,
    save_steps: Annotated[int | None, _option(PROGRESS, "A checkpoint every so many steps.")] = None,
    save_minutes: Annotated[float | None, _option(PROGRESS, "A checkpoint every so many minutes. Default: 5.")] = None,
    restart: Annotated[bool, _switch(PROGRESS, "--restart", "Drop the run that OUT holds, and begin again.")] = False,
) -> None:
    """Train a role. Run the same command again to go on after it was stopped or killed.

    On several GPUs: torchrun --nproc-per-node 4 -m videomind.cli train ROLE …
    """
    flags = dict(locals())
    for name in ("role", "config", "restart"):
        del flags[name]
    flags["method"] = {"name": flags.pop("method"), "rank": flags.pop("rank"), "alpha": flags.pop("alpha")}

    console = _console()
    with console.status("loading"):
        from videomind.training.config import load_config
        from videomind.training.run import train as run_training

    settings = load_config(config, flags)
    with _warnings_on(console):
        outcome = run_training(settings, role.value, restart, console)
    if outcome.leads:
        _tell(outcome, settings.out)
    if outcome.ending == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _console() -> Console:
    """Progress of the leading process; the others keep quiet."""
    console = progress_console()
    console.quiet = os.environ.get("RANK", "0") != "0"
    return console


def _tell(outcome: Outcome, out: Path) -> None:
    """Where the model is, and what to do with it; or how to go on."""
    where = shlex.quote(str(out))
    match outcome.ending:
        case "interrupted":
            text = f"stopped after step {outcome.step} of {outcome.steps}: the same command goes on from there"
            print(text, file=sys.stderr)
            return
        case "before":
            print(f"{where} is trained already; --restart trains it again", file=sys.stderr)
        case "minutes":
            text = f"time is up after step {outcome.step} of {outcome.steps}: more --minutes go on from there"
            print(text, file=sys.stderr)
    print(where)
    if outcome.unserved:
        print(f"note: {printable(outcome.unserved)}", file=sys.stderr)
    elif outcome.try_on is not None:
        video, question = outcome.try_on
        print(f"next: videomind ask --model {where} {shlex.quote(str(video))} {shlex.quote(question)}")


@contextmanager
def _warnings_on(console: Console) -> Iterator[None]:
    """Warnings of what is skipped, above the progress; those of worker processes too."""
    logger, handler = logging.getLogger("videomind.training"), _Warnings(console)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Warnings(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console, self._process = console, os.getpid()

    def emit(self, record: logging.LogRecord) -> None:
        text = f"warning: {printable(record.getMessage())}"
        if os.getpid() == self._process:
            self._console.print(text, markup=False, style="yellow", soft_wrap=True)
        else:  # a worker knows nothing of the line that is shown live
            sys.stderr.write(f"\r{text}\n")
