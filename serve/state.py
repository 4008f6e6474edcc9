"""What the server serves: nothing while the model loads, then one agent with its adapters."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import Request

from videomind.agent import Agent
from videomind.serve.adapter_store import AdapterStore
from videomind.serve.errors import Refused


class Running(NamedTuple):
    """A loaded agent and the answerer adapters it was given."""

    agent: Agent
    adapters: AdapterStore


class State:
    """Filled once, when everything is loaded."""

    def __init__(self) -> None:
        self._running: Running | None = None

    def serve(self, running: Running) -> None:
        """From now on requests are served by this."""
        self._running = running

    @property
    def running(self) -> Running:
        """Raises:
        Refused: (503) the model is still loading.
        """
        if self._running is None:
            raise Refused(503, "the model is not loaded yet")
        return self._running


def running(request: Request) -> Running:
    """What an endpoint depends on."""
    state: State = request.app.state.videomind
    return state.running
