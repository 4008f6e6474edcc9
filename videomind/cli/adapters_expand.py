"""`videomind adapters expand`: one adapter of a compressed set as a LoRA folder again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def expand(
    folder: Annotated[Path, typer.Argument(help="What `videomind adapters compress` wrote.", metavar="DIR")],
    name: Annotated[str, typer.Argument(help="Which of its adapters.", metavar="NAME")],
    out: Annotated[Path, typer.Argument(help="New folder, in PEFT's format.", metavar="OUT")],
) -> None:
    """Write one adapter of a compressed set as a plain LoRA folder, which every engine serves."""
    from videomind.lora_switch.adapter import write_adapter
    from videomind.lora_switch.compressed_files import check_new, expand_one

    check_new(out)
    write_adapter(out, expand_one(folder, name))
    print(out)
