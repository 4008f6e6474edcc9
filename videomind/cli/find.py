"""`videomind find`: the moment of a video that a text describes, or every one."""

from __future__ import annotations

from typing import Annotated

import typer

from videomind.cli.evidence import plan_evidence
from videomind.cli.options import (
    AsJson,
    ClipFile,
    Compat,
    Device,
    Dtype,
    EngineConfig,
    EngineName,
    LongVideo,
    Model,
    PlotFile,
    TraceFile,
    Video,
)
from videomind.cli.run import Run, run_and_show
from videomind.model_choice import ModelChoice
from videomind.roles.question import check_question


def find(
    video: Video,
    query: Annotated[str, typer.Argument(help="What happens in the moment.", metavar="QUERY")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="How many candidates to list.")] = 5,
    every: Annotated[bool, typer.Option("--all", help="Find every moment that matches, not the best alone.")] = False,
    model: Model = None,
    engine: EngineName = "torch",
    engine_config: EngineConfig = None,
    as_json: AsJson = False,
    trace: TraceFile = None,
    save_clip: ClipFile = None,
    plot: PlotFile = None,
    long: LongVideo = "auto",
    device: Device = "auto",
    dtype: Dtype = "auto",
    compat: Compat = False,
) -> None:
    """Find the moment of a video that a text describes, verified, or with --all every such moment.

    Exit code 1 if nothing is found; what a calibrated model rejects is listed, but is no moment.

    With --all, --save-clip dog.mp4 writes a clip of each moment, by time: dog_1.mp4, dog_2.mp4, …
    """
    run = Run(
        video=video,
        question=check_question(query),
        roles=("grounder", "verifier"),
        top_k=top_k,
        every=every,
        long=long,
        choice=ModelChoice(model, engine, engine_config, device, dtype, compat),
    )
    run_and_show(run, plan_evidence(video, trace=trace, clip=save_clip, plot=plot, every=every), as_json)
