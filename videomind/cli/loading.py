"""Loading the model that a command runs, with a word on what takes long."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.status import Status

if TYPE_CHECKING:
    from videomind.agent import Agent

STARTING = {"torch": "loading the model", "vllm": "starting vLLM (about half a minute)"}


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model to run, and on what; meanings as in `Agent.from_pretrained`."""

    model: Path | None = None
    engine: str = "torch"
    engine_config: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    compat: bool = False

    def load(self, status: Status) -> Agent:
        """The agent; `status` says meanwhile what is being waited for, in a log file too where it takes long.

        Raises:
            BundleError, InputError, EngineError: as `Agent.from_pretrained`.
        """
        from videomind.agent import Agent

        status.update(STARTING[self.engine])
        if self.engine == "vllm" and not status.console.is_terminal:
            status.console.print(STARTING[self.engine])
        return Agent.from_pretrained(
            self.model,
            engine=self.engine,
            engine_config=self.engine_config,
            device=self.device,
            dtype=self.dtype,
            compat=self.compat,
        )
