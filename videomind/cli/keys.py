"""`videomind keys`: who may talk to a server. Only hashes of the keys are stored."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from videomind.cli.options import AsJson
from videomind.cli.outputs import json_text
from videomind.cli.terminal import printable

if TYPE_CHECKING:
    from videomind.serve.store.keys import Keys

Name = Annotated[str, typer.Argument(help="Whose key it is; history belongs to the name.", metavar="NAME")]
Config = Annotated[Path | None, typer.Option(envvar="VIDEOMIND_CONFIG", help="The server's settings.", metavar="FILE")]
Data = Annotated[Path | None, typer.Option(help="The server's data folder.", metavar="DIR")]
Database = Annotated[str | None, typer.Option(help="The server's PostgreSQL database.", metavar="URL")]

keys = typer.Typer(no_args_is_help=True, help="API keys of `videomind serve`.")


@keys.command()
def add(name: Name, config: Config = None, data: Data = None, database: Database = None) -> None:
    """Make a key and show it, once. A server without keys has to be started anew to ask for it."""
    with _open(config, data, database) as stored:
        print(stored.add(name))


@keys.command("list")
def list_keys(config: Config = None, data: Data = None, database: Database = None, as_json: AsJson = False) -> None:
    """List the keys by name; the keys themselves are not stored."""
    with _open(config, data, database) as stored:
        entries = stored.entries()
    if as_json or not sys.stdout.isatty():
        found = [{"name": one.name, "created": one.created, "used": one.used} for one in entries]
        print(json_text({"keys": found}))
    elif entries:
        table = Table("name", "made", "last used", box=SIMPLE, header_style="dim")
        for one in entries:
            table.add_row(printable(one.name), _day(one.created), "never" if one.used is None else _day(one.used))
        Console(highlight=False).print(table)
    else:
        print("no keys yet; make one: videomind keys add NAME")


@keys.command()
def remove(name: Name, config: Config = None, data: Data = None, database: Database = None) -> None:
    """Take a key back, at once; the history of the name stays."""
    with _open(config, data, database) as stored:
        stored.remove(name)


@contextmanager
def _open(config: Path | None, data: Path | None, database: str | None) -> Iterator[Keys]:
    from videomind.serve.services import open_database
    from videomind.serve.settings import load_settings
    from videomind.serve.store.keys import Keys

    with closing(open_database(load_settings({"data": data, "database": database}, config))) as opened:
        yield Keys(opened)


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
