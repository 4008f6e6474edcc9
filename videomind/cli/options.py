"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from videomind.errors import InputError
from videomind.roles.spec import ROLES

Video = Annotated[Path, typer.Argument(help="A video file, an animated GIF or a folder of frames.", metavar="VIDEO")]
Model = Annotated[
    Path | None,
    typer.Option(help="Model folder (see `videomind convert`). Default: the embedded model.", metavar="DIR"),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Dtype = Annotated[Literal["auto", "float32", "bfloat16", "float16"], typer.Option(help="Number type of the weights.")]
EngineName = Annotated[
    Literal["torch", "vllm"],
    typer.Option("--engine", help="torch starts at once; vllm takes half a minute, then batches questions and reuses."),
]
EngineConfig = Annotated[
    Path | None,
    typer.Option(
        "--engine-config",
        help="Options of the engine (.toml, see docs/performance.md and docs/vllm.md).",
        metavar="FILE",
    ),
]
Compat = Annotated[
    bool, typer.Option("--compat", help="Repeat the published code's slips, without calibration, to compare.")
]
LongVideo = Annotated[
    Literal["auto", "whole", "windows", "scan"],
    typer.Option("--long", help="How to look through a long video (docs/long-videos.md)."),
]
ServerUrl = Annotated[
    str, typer.Option("--url", envvar="VIDEOMIND_URL", help="Where `videomind serve` runs.", metavar="URL")
]
ApiKey = Annotated[
    str | None,
    typer.Option(
        envvar="VIDEOMIND_API_KEY", help="API key of the server; the variable keeps it out of `ps`.", metavar="KEY"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout (the default when it is no terminal).")]
TraceFile = Annotated[
    Path | None,
    typer.Option("--trace", help="Write every prompt, reply, candidate and time (.json).", metavar="FILE"),
]
ClipFile = Annotated[
    Path | None,
    typer.Option("--save-clip", help="Write the moment as a video (.mp4, .mkv, …).", metavar="FILE"),
]
PlotFile = Annotated[Path | None, typer.Option("--plot", help="Write a figure of the result (.png).", metavar="FILE")]


def parse_roles(text: str | None) -> frozenset[str] | None:
    """The roles named in "grounder,answerer"; None (all the model has) where nothing was said.

    Raises:
        InputError: a name is no role.
    """
    if text is None:
        return None
    names = frozenset(name.strip() for name in text.split(","))
    if unknown := sorted(names - set(ROLES)):
        raise InputError(f"--roles: {unknown[0]!r} is no role: choose from {','.join(ROLES)}")
    return names
