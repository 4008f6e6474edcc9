"""`videomind convert`: a published checkpoint becomes a model folder, or a model's adapters become plain LoRA."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from videomind.cli.terminal import progress_console
from videomind.errors import InputError


def convert(
    source: Annotated[
        Path, typer.Argument(help="Folder of a published checkpoint; with --to, a model folder.", metavar="SOURCE")
    ],
    out: Annotated[Path, typer.Argument(help="New model folder.", metavar="OUT")],
    prompts: Annotated[
        Path | None,
        typer.Option(
            help="Needed for a published checkpoint: its constants file (.py, parsed and never executed) or JSON with "
            "PLANNER_PROMPT, GROUNDER_PROMPT and VERIFIER_PROMPT.",
            metavar="FILE",
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(help="Folder of the base model. Default: where SOURCE says.", metavar="DIR"),
    ] = None,
    to: Annotated[
        Literal["lora"] | None,
        typer.Option(help="Turn a model folder's adapters of other kinds into plain LoRA.", metavar="lora"),
    ] = None,
    rank: Annotated[
        str | None,
        typer.Option(help="With --to: the LoRA's rank, or the share of the change's energy to keep. [default: 0.9999]"),
    ] = None,
) -> None:
    """Convert a published VideoMind checkpoint into a model folder, or a model's adapters into plain LoRA."""
    if to is None:
        if rank is not None:
            raise InputError("--rank belongs to --to lora")
        _from_checkpoint(source, out, prompts, base)
    elif prompts is not None:
        raise InputError("--prompts belongs to a published checkpoint; --to turns a model folder's adapters into LoRA")
    else:
        _to_lora(source, out, base, rank)


def _from_checkpoint(source: Path, out: Path, prompts: Path | None, base: Path | None) -> None:
    from videomind.lora_switch.bundle import MANIFEST
    from videomind.lora_switch.convert import convert as convert_checkpoint
    from videomind.lora_switch.prompts import read_prompts

    if (source / MANIFEST).is_file():
        raise InputError(f"{source} is a model folder already; --to lora turns its adapters into plain LoRA")
    if prompts is None:
        raise InputError("a published checkpoint lacks its prompts: give its constants file with --prompts FILE")
    templates = read_prompts(prompts)
    with progress_console().status("converting"):
        print(convert_checkpoint(source, out, templates, base))


def _to_lora(source: Path, out: Path, base: Path | None, rank: str | None) -> None:
    from videomind.lora_switch.to_lora import ENERGY, bundle_to_lora

    console = progress_console()
    with console.status("converting") as status:
        done = bundle_to_lora(
            source,
            out,
            ENERGY if rank is None else _rank(rank),
            base,
            lambda role, layer, layers: status.update(f"{role}: layer {layer + 1} of {layers}"),
        )
    for one in done:
        console.print(f"{one.role}: {one.kind} is now LoRA of rank {one.rank}; its weights differ by {one.error:.2%}")
    print(out)


def _rank(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--rank {text!r}: give a whole number, or a share of energy such as 0.99") from None
