"""`videomind ask`: the answer to a question, with the moment that proves it."""

from __future__ import annotations

from pathlib import Path
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
    parse_roles,
)
from videomind.cli.run import Run, run_and_show
from videomind.model_choice import ModelChoice
from videomind.roles.answerer import check_options
from videomind.roles.question import check_question


def ask(
    video: Video,
    question: Annotated[str, typer.Argument(help="What you want to know about it.", metavar="QUESTION")],
    option: Annotated[
        list[str] | None,
        typer.Option(help="An option of a multiple choice; give it once per option.", metavar="TEXT"),
    ] = None,
    subtitles: Annotated[Path | None, typer.Option(help="Subtitles (.srt, .vtt, .ass).", metavar="FILE")] = None,
    answerer: Annotated[
        Path | None,
        typer.Option(help="A PEFT adapter to answer with, in place of the model's own (vLLM only).", metavar="DIR"),
    ] = None,
    model: Model = None,
    engine: EngineName = "torch",
    engine_config: EngineConfig = None,
    as_json: AsJson = False,
    trace: TraceFile = None,
    save_clip: ClipFile = None,
    plot: PlotFile = None,
    roles: Annotated[
        str | None,
        typer.Option(help="Roles that may be called, e.g. grounder,answerer. Default: all.", metavar="LIST"),
    ] = None,
    long: LongVideo = "auto",
    device: Device = "auto",
    dtype: Dtype = "auto",
    compat: Compat = False,
) -> None:
    """Ask a question about a video; get the answer with the verified moment that proves it.

    If a calibrated model says that what is asked about is not in the video, there is no moment and exit code 1; only
    a multiple choice (--option) is answered all the same.
    """
    run = Run(
        video=video,
        question=check_question(question),
        options=check_options(option) if option else (),
        subtitles=subtitles,
        roles=parse_roles(roles),
        answerer=answerer,
        long=long,
        choice=ModelChoice(model, engine, engine_config, device, dtype, compat),
    )
    run_and_show(run, plan_evidence(video, trace=trace, clip=save_clip, plot=plot), as_json)
