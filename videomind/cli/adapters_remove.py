"""`videomind adapters remove`: an answerer adapter leaves a running server."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from videomind.cli.options import ApiKey, AsJson, ServerUrl
from videomind.cli.outputs import json_text
from videomind.client.server import DEFAULT_URL, Server


def remove(
    name: Annotated[str, typer.Argument(help="Which one.", metavar="NAME")],
    url: ServerUrl = DEFAULT_URL,
    api_key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Take an answerer adapter out of a running `videomind serve`, once no question uses it any more."""
    from videomind.lora_switch.adapter_name import check_adapter_name

    with Server(url, api_key) as server:
        gone = server.call("DELETE", f"/v1/adapters/{check_adapter_name(name)}")
    if as_json or not sys.stdout.isatty():
        print(json_text(gone))
    else:
        print(f"removed {gone['name']}")
