"""What `ask` and `find` share: load the model, run the chain, write the files, show the result."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from videomind.cli.answerer import answer_with, check_answerer
from videomind.cli.evidence import Evidence
from videomind.cli.loading import load_model
from videomind.cli.outputs import json_text
from videomind.cli.panel import result_panel
from videomind.cli.progress import follow
from videomind.cli.terminal import printable, progress_console
from videomind.model_choice import ModelChoice
from videomind.results import Result
from videomind.roles.judge import CONFIDENT
from videomind.roles.long import Long

if TYPE_CHECKING:
    from videomind.agent import Agent
    from videomind.vision.base import VideoReader
    from videomind.vision.subtitles import Cue

NOTHING_FOUND = 1
UNCALIBRATED = (
    f"note: no calibration is at work (see `videomind calibrate`): every moment with a confidence of at least "
    f"{CONFIDENT} is given"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One question and the model to run it on; meanings as in `Agent.stream`.

    Roles that the model lacks are left out. `top_k` limits the candidates of the result; None keeps all. `answerer`
    is the folder of an answerer adapter to use in place of the model's own.
    """

    video: Path
    question: str
    choice: ModelChoice
    options: tuple[str, ...] = ()
    subtitles: Path | None = None
    roles: Collection[str] | None = None
    top_k: int | None = None
    every: bool = False
    long: Long = "auto"
    answerer: Path | None = None


def run_and_show(run: Run, evidence: Evidence, as_json: bool) -> None:
    """Runs the chain with progress on stderr, writes the evidence and puts the result on stdout.

    Raises:
        typer.Exit: with code 1, if nothing was found.
    """
    console = progress_console()
    with console.status("loading") as status:
        from videomind.vision.reader import open_video
        from videomind.vision.subtitles import load_subtitles

        reader = open_video(run.video)
        cues = load_subtitles(run.subtitles) if run.subtitles is not None else None
        if run.answerer is not None:
            check_answerer(run.answerer, run.choice)
        agent = load_model(run.choice, status)
    with reader, agent:
        result = _ask(agent, reader, run, cues, console)
        _show(result, run, evidence, as_json, console)
    if not result.found:
        raise typer.Exit(NOTHING_FOUND)


def _ask(agent: Agent, reader: VideoReader, run: Run, cues: Sequence[Cue] | None, console: Console) -> Result:
    if agent.bundle.manifest.notice:
        console.print(f"note: {agent.bundle.manifest.notice}", style="dim", markup=False)
    if run.every and (run.choice.compat or agent.bundle.calibration is None):
        console.print(UNCALIBRATED, style="dim", markup=False)
    roles = [role for role in agent.roles if run.roles is None or role in run.roles]
    service = answer_with(agent.engine, run.answerer)
    events = agent.stream(
        reader,
        run.question,
        options=run.options,
        subtitles=cues,
        roles=roles,
        every=run.every,
        long=run.long,
        service=service,
    )
    result = follow(events, console)
    return replace(result, candidates=result.candidates[: run.top_k])


def _show(result: Result, run: Run, evidence: Evidence, as_json: bool, console: Console) -> None:
    written: dict[str, Path] = {}
    try:
        with console.status("writing files"):
            written.update(evidence.write(result))
    finally:  # an answer that took long is shown even where a file cannot be written
        if as_json or not sys.stdout.isatty():
            print(json_text(result.to_json()), flush=True)
            for what, path in written.items():
                console.print(f"{what}: {printable(str(path))}", markup=False, soft_wrap=True)
        else:
            Console(highlight=False).print(result_panel(result, run.options, written))
