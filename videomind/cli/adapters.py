"""`videomind adapters`: many adapters of one base, in files and in a running server."""

from __future__ import annotations

import typer

from videomind.cli.adapters_add import add
from videomind.cli.adapters_compress import compress
from videomind.cli.adapters_expand import expand
from videomind.cli.adapters_list import list_adapters
from videomind.cli.adapters_remove import remove

adapters = typer.Typer(
    no_args_is_help=True, help="Many adapters of one base: those of a running server, and compressing them together."
)
adapters.command("list")(list_adapters)
for command in (add, remove, compress, expand):
    adapters.command()(command)
