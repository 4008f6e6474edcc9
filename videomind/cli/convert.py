"""`videomind convert`: a published checkpoint becomes a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from videomind.cli.terminal import progress_console


def convert(
    official: Annotated[Path, typer.Argument(help="Folder of the published checkpoint.", metavar="OFFICIAL_DIR")],
    out: Annotated[Path, typer.Argument(help="New model folder.", metavar="OUT")],
    prompts: Annotated[
        Path,
        typer.Option(
            help="The published constants file (.py, parsed and never executed) or JSON with PLANNER_PROMPT, "
            "GROUNDER_PROMPT and VERIFIER_PROMPT.",
            metavar="FILE",
        ),
    ],
    base: Annotated[
        Path | None,
        typer.Option(help="Folder of the base model. Default: where the checkpoint says.", metavar="DIR"),
    ] = None,
) -> None:
    """Convert a published VideoMind checkpoint into a model folder for --model."""
    from videomind.lora_switch.convert import convert as convert_checkpoint
    from videomind.lora_switch.prompts import read_prompts

    templates = read_prompts(prompts)
    with progress_console().status("converting"):
        print(convert_checkpoint(official, out, templates, base))
