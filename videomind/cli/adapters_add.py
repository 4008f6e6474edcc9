"""`videomind adapters add`: an answerer adapter for a running server."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from videomind.cli.options import ApiKey, AsJson, ServerUrl
from videomind.cli.outputs import json_text
from videomind.cli.terminal import progress_console
from videomind.client.server import DEFAULT_URL, Server
from videomind.errors import InputError


def add(
    folder: Annotated[Path, typer.Argument(help="A PEFT LoRA folder.", metavar="FOLDER")],
    name: Annotated[str | None, typer.Option(help="What to call it. Default: as its folder.", metavar="NAME")] = None,
    url: ServerUrl = DEFAULT_URL,
    api_key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Give a running `videomind serve` an answerer adapter, which it keeps; questions go on meanwhile."""
    from videomind.lora_switch.adapter import CONFIG_FILE, WEIGHTS_FILE
    from videomind.lora_switch.adapter_name import check_adapter_name

    called = check_adapter_name(folder.resolve().name if name is None else name)
    with ExitStack() as stack:
        server = stack.enter_context(Server(url, api_key))
        try:
            files = {file: stack.enter_context((folder / file).open("rb")) for file in (CONFIG_FILE, WEIGHTS_FILE)}
        except OSError as error:
            raise InputError(f"{folder} is no adapter: {Path(error.filename).name}: {error.strerror}") from error
        with progress_console().status(f"sending {called}"):
            added = server.call("POST", f"/v1/adapters/{called}", files=files)
    if as_json or not sys.stdout.isatty():
        print(json_text(added))
    else:
        print(f"added {added['name']} (rank {added['rank']}, {decimal(added['bytes'])})")
