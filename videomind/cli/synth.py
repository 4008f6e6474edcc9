"""`videomind synth`: a data set of synthetic videos to train roles on."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from videomind.cli.terminal import progress_console
from videomind.errors import InputError


def synth(
    out: Annotated[Path, typer.Argument(help="New folder, or one that an interrupted run left.", metavar="OUT")],
    videos: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many videos.")] = 200,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Sets of different seeds have no video in common.")] = 1,
    size: Annotated[int, typer.Option(min=28, max=1024, help="Width and height of a frame in pixels, even.")] = 224,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that render. Default: one per processor.")
    ] = None,
) -> None:
    """Make videos with known events, and what every role can learn from them.

    Run again to go on after an interruption. For a held-out set take another seed.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from videomind.synth.dataset import SynthSet

    if size % 2:
        raise InputError(f"--size {size}: a video's sides are even: take {size + 1}")
    wanted = SynthSet(out, videos, seed, size)
    wanted.prepare()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=progress_console()) as progress:
        task = progress.add_task("rendering", total=videos, completed=videos - len(wanted.missing))
        wanted.render(workers or os.cpu_count() or 1, lambda: progress.advance(task))
    counts = wanted.describe()
    print(f"{out}: {videos} videos; " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    print(f"next: videomind train grounder --data {shlex.quote(str(out / 'grounding.jsonl'))} --out my-model")
