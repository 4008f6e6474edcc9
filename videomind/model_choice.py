"""Which model to run, and on what: the same choice for a command, a worker process and an actor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videomind.agent import Agent


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Arguments of `Agent.from_pretrained`, with their meanings there."""

    model: Path | None = None
    engine: str = "torch"
    engine_config: Path | None = None
    device: str = "auto"
    dtype: str = "auto"
    compat: bool = False

    def load(self) -> Agent:
        """The agent.

        Raises:
            BundleError, InputError, EngineError: as `Agent.from_pretrained`.
        """
        from videomind.agent import Agent

        return Agent.from_pretrained(
            self.model,
            engine=self.engine,
            engine_config=self.engine_config,
            device=self.device,
            dtype=self.dtype,
            compat=self.compat,
        )
