"""`videomind adapters compress`: many LoRA adapters become one shared basis and a small core each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from videomind.cli.options import AsJson
from videomind.cli.outputs import json_text
from videomind.cli.terminal import printable, progress_console
from videomind.errors import InputError

if TYPE_CHECKING:
    from videomind.lora_switch.adapter import Adapter


def compress(
    folders: Annotated[
        list[str],
        typer.Argument(
            help="Two or more PEFT LoRA folders of one base. NAME=FOLDER names one other than its folder.",
            metavar="[NAME=]FOLDER",
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="New folder for the compressed set.", metavar="DIR")] = None,
    rank: Annotated[int | None, typer.Option(help="Rank of the basis to write.", metavar="R")] = None,
    ranks: Annotated[
        str | None, typer.Option(help="Only report what these ranks cost and lose, such as 8,16,32.", metavar="R,R,…")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compress many LoRA adapters together: one basis for all, and a small core for each.

    Shown per rank: the bytes, how many times fewer that is, and what is lost of the adapters' changes of the weights
    (relative error, on average and for the adapter that loses most). Less is lost the more alike the adapters are.
    """
    from videomind.lora_switch.compressed_files import check_new
    from videomind.lora_switch.compressed_set import adapters_bytes
    from videomind.lora_switch.compressible import check_rank, read_adapters

    wanted = _wanted(out, rank, ranks)
    if out is not None:
        check_new(out)
    adapters = read_adapters(_named(folders))
    for one in wanted:
        check_rank(adapters, one)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=progress_console()
    ) as progress:
        rows = [_at_rank(adapters, one, out, progress) for one in wanted]
    report = {"adapters": len(adapters), "bytes": adapters_bytes(adapters), "ranks": rows, "written": out and str(out)}
    if as_json or not sys.stdout.isatty():
        print(json_text(report))
    else:
        Console(highlight=False).print(report_table(report))


def _wanted(out: Path | None, rank: int | None, ranks: str | None) -> list[int]:
    """The ranks to look at."""
    if rank is not None and ranks is None and out is not None:
        return [rank]
    if ranks is None or rank is not None or out is not None:
        raise InputError("give --rank R and --out DIR to write a set, or --ranks 8,16,32 alone to compare ranks first")
    try:
        return [int(part) for part in ranks.split(",")]
    except ValueError:
        raise InputError(f"--ranks {ranks!r}: give whole numbers with commas between them, such as 8,16,32") from None


def _named(folders: list[str]) -> dict[str, Path]:
    """The folders by name: what stands before "=", else the folder's own."""
    named: dict[str, Path] = {}
    taken: dict[str, str] = {}
    for text in folders:
        given, equals, rest = text.partition("=")
        is_named = bool(equals) and not Path(text).is_dir()
        folder = Path(rest if is_named else text)
        name = given if is_named else folder.resolve().name
        if (other := taken.setdefault(name.casefold(), text)) != text or name in named:
            raise InputError(f"{other} and {text} are both called {name}: tell them apart with NAME=FOLDER")
        named[name] = folder
    return named


def _at_rank(adapters: dict[str, Adapter], rank: int, out: Path | None, progress: Progress) -> dict[str, Any]:
    """What a rank costs and loses; written where `out` says."""
    from videomind.lora_switch.compressed_files import write_set
    from videomind.lora_switch.compressed_set import (
        adapters_bytes,
        compress,
        errors_of_adapters,
        errors_of_modules,
        misses,
    )

    task = progress.add_task(f"rank {rank}", total=None)
    made = compress(adapters, rank, lambda done, modules: progress.update(task, completed=done, total=modules))
    missed = misses(made, adapters)
    errors, modules = errors_of_adapters(missed), errors_of_modules(missed)
    progress.update(task, completed=len(modules), total=len(modules))
    if out is not None:
        write_set(out, made, errors, modules)
    return {
        "rank": rank,
        "bytes": made.bytes,
        "ratio": adapters_bytes(adapters) / made.bytes,
        "mean_error": sum(errors.values()) / len(errors),
        "worst_error": max(errors.values()),
        "errors": errors,
        "modules": modules,
    }


def report_table(report: dict[str, Any]) -> Table:
    """The report for people."""
    title = f"{report['adapters']} adapters, {decimal(report['bytes'])}"
    table = Table(box=SIMPLE, title=title, title_justify="left", caption_justify="left", header_style="dim")
    for heading in ("rank", "bytes", "ratio", "mean error", "worst error"):
        table.add_column(heading, justify="right")
    for row in report["ranks"]:
        errors = (f"{row[key]:.1%}" for key in ("mean_error", "worst_error"))
        table.add_row(str(row["rank"]), decimal(row["bytes"]), f"{row['ratio']:.2f}×", *errors)
    if report["written"]:
        table.caption = Text(printable(f"written to {report['written']}"))
    return table
