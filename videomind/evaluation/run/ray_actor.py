"""What runs on the machines of a Ray cluster: actors that ask batches, and one that knows what was begun."""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from videomind.agent import Agent
from videomind.errors import EngineDead, EngineError, InputError
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.line import Manner, ask_batch, failed
from videomind.evaluation.run.worker import load_agent
from videomind.evaluation.run.workers import MOST_DEATHS
from videomind.model_choice import ModelChoice

TRIES = 2
"""Actors that may die of one batch."""


class Asker:
    """What an actor does; the model is loaded for the first batch."""

    def __init__(self, choice: ModelChoice, manner: Manner, ledger: Any) -> None:
        self._choice, self._manner, self._ledger = choice, manner, ledger

    def __call__(self, rows: Mapping[str, Any]) -> dict[str, list[str]]:
        """The lines of a batch, as JSON.

        Raises:
            VideoMindError: the model does not load.
            InputError: a video is not on this machine.
            EngineError: actors die without end.
        """
        import ray

        number, batch = int(rows["number"][0]), rows["batch"][0]
        begun, deaths = ray.get(self._ledger.begin.remote(number, str(batch.asked[0].video)))
        if deaths > MOST_DEATHS:
            raise EngineError(f"actors died of {deaths} videos in a row; have they memory enough?")
        if begun > TRIES:
            why = f"the {TRIES} actors that worked on its batch died"
            return {"lines": [json.dumps([failed(one, why, batch.attempt) for one in batch.asked])]}
        _check_videos(batch)
        try:
            lines = ask_batch(self._agent, batch, self._manner)
        except EngineDead:
            os._exit(1)  # Ray then makes the actor anew, and gives it the batch again
        ray.get(self._ledger.end.remote())
        return {"lines": [json.dumps(lines)]}

    @cached_property
    def _agent(self) -> Agent:
        return load_agent(self._choice)


class Ledger:
    """What was begun: an actor of its own, which outlives those that die of a batch."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()
        self._deadly: set[str] = set()

    def begin(self, number: int, video: str) -> tuple[int, int]:
        """A batch is begun, again where an actor has died of it.

        Args:
            number: of the batch.
            video: its first video.

        Returns:
            How often the batch was begun, now included; and of how many videos actors have died since a batch ended.
        """
        self._begun[number] += 1
        if self._begun[number] > 1:
            self._deadly.add(video)
        return self._begun[number], len(self._deadly)

    def end(self) -> None:
        """A batch has ended."""
        self._deadly.clear()


def _check_videos(batch: Batch) -> None:
    """The driver has seen all videos: one that is missing here is missing on this machine."""
    for one in batch.asked:
        if not one.video.exists():
            raise InputError(
                f"{one.video} is missing on {socket.gethostname()}: on Ray, videos and the folder of the model have to "
                "be at the same place on all machines"
            )
