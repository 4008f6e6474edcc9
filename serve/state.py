"""What the server serves: its store from the beginning; no model while that loads, then one agent."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import HTTPConnection

from videomind.agent import Agent
from videomind.serve.adapter_store import AdapterStore
from videomind.serve.desk import Desk
from videomind.serve.errors import Refused
from videomind.serve.queue import Queue
from videomind.serve.services import Services
from videomind.serve.stopping import Stopping


class Running(NamedTuple):
    """A loaded agent, the answerer adapters it was given, and where its questions are taken."""

    agent: Agent
    adapters: AdapterStore
    queue: Queue
    desk: Desk


class State:
    """The model comes in once, when it is loaded.

    Args:
        services: everything else.
    """

    def __init__(self, services: Services) -> None:
        self.services, self.stopping = services, Stopping()
        self._running: Running | None = None

    def serve(self, agent: Agent, adapters: AdapterStore) -> None:
        """From now on questions are answered by this agent."""
        settings = self.services.settings
        parallel = settings.parallel or (1 if agent.engine.name == "torch" else 32)
        queue = Queue(parallel, settings.waiting, settings.per_client)
        desk = Desk(agent, queue, self.services.videos, self.services.conversations, settings.request_s)
        self._running = Running(agent, adapters, queue, desk)

    @property
    def running(self) -> Running:
        """Raises:
        Refused: (503) the model is still loading.
        """
        if self._running is None:
            raise Refused(503, "the model is not loaded yet: try again in a moment", retry_after=2)
        return self._running


def state_of(request: HTTPConnection) -> State:
    """The state of the app that a request has come to."""
    state: State = request.app.state.videomind
    return state


async def running(request: HTTPConnection) -> Running:
    """What an endpoint depends on that needs the model."""
    return state_of(request).running
