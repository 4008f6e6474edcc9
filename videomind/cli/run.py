"""What `ask` and `find` share: load the model, run the chain, write the files, show the result."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import typer
from rich.console import Console

from videomind.cli.evidence import Evidence
from videomind.cli.outputs import json_text
from videomind.cli.panel import result_panel
from videomind.cli.progress import follow
from videomind.cli.terminal import printable, progress_console
from videomind.results import Result
from videomind.roles.judge import CONFIDENT

NOTHING_FOUND = 1
UNCALIBRATED = (
    f"note: no calibration is at work (see `videomind calibrate`): every moment with a confidence of at least "
    f"{CONFIDENT} is given"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One question and how to run it; meanings as in `Agent.from_pretrained` and `Agent.stream`.

    Roles that the model lacks are left out. `top_k` limits the candidates of the result; None keeps all.
    """

    video: Path
    question: str
    options: tuple[str, ...] = ()
    subtitles: Path | None = None
    roles: Collection[str] | None = None
    top_k: int | None = None
    every: bool = False
    model: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    compat: bool = False


def run_and_show(run: Run, evidence: Evidence, as_json: bool) -> None:
    """Runs the chain with progress on stderr, writes the evidence and puts the result on stdout.

    Raises:
        typer.Exit: with code 1, if nothing was found.
    """
    console = progress_console()
    result = _run(run, console)
    written: dict[str, Path] = {}
    try:
        with console.status("writing files"):
            written.update(evidence.write(result))
    finally:  # an answer that took long is shown even where a file cannot be written
        if as_json or not sys.stdout.isatty():
            print(json_text(result.to_json()))
            for what, path in written.items():
                console.print(f"{what}: {printable(str(path))}", markup=False, soft_wrap=True)
        else:
            Console(highlight=False).print(result_panel(result, run.options, written))
    if not result.found:
        raise typer.Exit(NOTHING_FOUND)


def _run(run: Run, console: Console) -> Result:
    with console.status("loading"):
        from videomind.agent import Agent
        from videomind.vision.reader import open_video
        from videomind.vision.subtitles import load_subtitles

        reader = open_video(run.video)
        cues = load_subtitles(run.subtitles) if run.subtitles is not None else None
        agent = Agent.from_pretrained(run.model, device=run.device, dtype=run.dtype, compat=run.compat)
    with reader, agent:
        if agent.bundle.manifest.notice:
            console.print(f"note: {agent.bundle.manifest.notice}", style="dim", markup=False)
        if run.every and (run.compat or agent.bundle.calibration is None):
            console.print(UNCALIBRATED, style="dim", markup=False)
        roles = [role for role in agent.roles if run.roles is None or role in run.roles]
        events = agent.stream(reader, run.question, options=run.options, subtitles=cues, roles=roles, every=run.every)
        result = follow(events, console)
    return replace(result, candidates=result.candidates[: run.top_k])
