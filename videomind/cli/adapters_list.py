"""`videomind adapters list`: the answerer adapters of a running server."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from videomind.cli.options import ApiKey, AsJson, ServerUrl
from videomind.cli.outputs import json_text
from videomind.cli.terminal import printable
from videomind.client.server import DEFAULT_URL, Server


def list_adapters(url: ServerUrl = DEFAULT_URL, api_key: ApiKey = None, as_json: AsJson = False) -> None:
    """List the answerer adapters of a running `videomind serve`."""
    with Server(url, api_key) as server:
        found = server.call("GET", "/v1/adapters")["data"]
    if as_json or not sys.stdout.isatty():
        print(json_text({"adapters": found}))
    elif found:
        Console(highlight=False).print(adapters_table(found))
    else:
        print("no adapters yet; add one: videomind adapters add FOLDER")


def adapters_table(adapters: list[dict[str, Any]]) -> Table:
    """Adapters for people, by name."""
    table = Table(box=SIMPLE, header_style="dim")
    for heading in ("name", "rank", "size", "added", ""):
        table.add_column(heading, justify="right" if heading in ("rank", "size") else "left")
    for one in adapters:
        added = datetime.fromtimestamp(one["created"]).strftime("%Y-%m-%d %H:%M")
        problem = Text(printable(one["problem"] or ""), style="yellow")
        table.add_row(printable(one["name"]), str(one["rank"] or "–"), decimal(one["bytes"]), added, problem)
    return table
