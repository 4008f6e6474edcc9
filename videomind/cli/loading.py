"""Loading the model that a command runs, with a word on what takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.status import Status

if TYPE_CHECKING:
    from videomind.agent import Agent
    from videomind.model_choice import ModelChoice

STARTING = {"torch": "loading the model", "vllm": "starting vLLM (about half a minute)"}


def load_model(choice: ModelChoice, status: Status) -> Agent:
    """The agent; `status` says meanwhile what is being waited for, in a log file too where it takes long.

    Raises:
        BundleError, InputError, EngineError: as `Agent.from_pretrained`.
    """
    status.update(STARTING[choice.engine])
    if choice.engine == "vllm" and not status.console.is_terminal:
        status.console.print(STARTING[choice.engine])
    return choice.load()
