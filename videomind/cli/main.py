"""The `videomind` command: its sub-commands, and the place where errors become a line and an exit code."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from videomind.cli.adapters import adapters
from videomind.cli.ask import ask
from videomind.cli.calibrate import calibrate
from videomind.cli.convert import convert
from videomind.cli.demo import demo
from videomind.cli.doctor import doctor
from videomind.cli.eval import evaluate
from videomind.cli.find import find
from videomind.cli.keys import keys
from videomind.cli.serve import serve
from videomind.cli.synth import synth
from videomind.cli.terminal import printable
from videomind.cli.train import train
from videomind.errors import VideoMindError

BAD_INPUT = 2


class Commands(TyperGroup):
    """Sub-commands whose `VideoMindError`s end in one line on stderr and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except VideoMindError as error:
            print(f"error: {printable(str(error))}", file=sys.stderr)
            raise typer.Exit(BAD_INPUT) from error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Ask a question about a video; get the answer with the verified moment that proves it.",
    epilog="Exit codes: 0 answered, 1 nothing found, 2 bad input, 130 interrupted.",
)
for command in (ask, find, serve, convert, calibrate, doctor, demo, synth, train):
    app.command()(command)
app.add_typer(adapters, name="adapters")
app.add_typer(keys, name="keys")
app.add_typer(evaluate, name="eval")


def main() -> None:
    """Entry point of the `videomind` script."""
    app()
