"""`videomind find`: the moments of a video that a text describes."""

from __future__ import annotations

from typing import Annotated

import typer

from videomind.cli.evidence import plan_evidence
from videomind.cli.options import AsJson, ClipFile, Compat, Device, Dtype, Model, PlotFile, TraceFile, Video
from videomind.cli.run import Run, run_and_show
from videomind.roles.question import check_question


def find(
    video: Video,
    query: Annotated[str, typer.Argument(help="What happens in the moment.", metavar="QUERY")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="How many candidate moments to give back.")] = 5,
    model: Model = None,
    as_json: AsJson = False,
    trace: TraceFile = None,
    save_clip: ClipFile = None,
    plot: PlotFile = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    compat: Compat = False,
) -> None:
    """Find the moments of a video that a text describes, verified, best first."""
    run = Run(
        video=video,
        question=check_question(query),
        roles=("grounder", "verifier"),
        top_k=top_k,
        model=model,
        device=device,
        dtype=dtype,
        compat=compat,
    )
    run_and_show(run, plan_evidence(video, trace=trace, clip=save_clip, plot=plot), as_json)
