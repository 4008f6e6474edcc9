"""`--answerer`: an adapter that answers in place of the model's own, for one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from videomind.errors import InputError

if TYPE_CHECKING:
    from videomind.engines.base import Engine, Service
    from videomind.model_choice import ModelChoice

NAME = "answerer"


def check_answerer(folder: Path, choice: ModelChoice) -> None:
    """Whether it can be used at all, asked before anything slow.

    Raises:
        InputError: the engine takes no adapters.
        BundleError: the folder holds no adapter that can be served.
    """
    from videomind.lora_switch.adapter import read_adapter

    if choice.engine != "vllm":
        raise InputError(f"--answerer {folder}: only the vLLM engine takes another answerer: say --engine vllm too")
    read_adapter(folder)


def answer_with(engine: Engine, folder: Path | None) -> Service:
    """How to ask so that the adapter in a folder answers; None leaves it to the model's own.

    Raises:
        BundleError: the adapter does not fit the model.
    """
    from videomind.engines.base import STANDARD, Service

    if folder is None:
        return STANDARD
    engine.add_adapter(NAME, folder)
    return Service(answerer=NAME)
