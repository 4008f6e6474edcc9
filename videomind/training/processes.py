"""Several processes of one run, as `torchrun` starts them: one leads, writes and decides."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch

from videomind.errors import VideoMindError

T = TypeVar("T")
PATIENCE = timedelta(days=2)
"""The others wait so long for the one that leads, which may have much to predict."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those of the run.

    Attributes:
        rank: its number.
        count: how many there are.
    """

    rank: int
    count: int

    @classmethod
    def join(cls, device: torch.device) -> Processes:
        """Find the others, where `torchrun` started some."""
        count = int(os.environ.get("WORLD_SIZE", 1))
        if count > 1:
            from accelerate import PartialState

            PartialState(cpu=device.type == "cpu", timeout=PATIENCE)
        return cls(int(os.environ.get("RANK", 0)), count)

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def from_leader(self, make: Callable[[], T]) -> T:
        """What `make` gives in the leading process, in all of them; so with an error that it raises."""
        if self.count == 1:
            return make()
        box: list[Any] = [None, None]
        if self.leads:
            try:
                box[0] = make()
            except VideoMindError as error:
                box[1] = error
        torch.distributed.broadcast_object_list(box, src=0)
        if box[1] is not None:
            raise box[1]
        made: T = box[0]
        return made

    def leave(self) -> None:
        """Part with the others, when nothing is left to agree on."""
        if self.count > 1:
            torch.distributed.destroy_process_group()

    def any_of(self, flags: list[bool]) -> list[bool]:
        """Which flags are up in any process."""
        if self.count == 1:
            return flags
        everyone: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(everyone, flags)
        return [any(flag) for flag in zip(*everyone, strict=True)]
