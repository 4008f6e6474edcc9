"""A whole server in this process: the real app on a free port, around a model of the caller's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videomind.agent import Agent
from videomind.serve.adapter_store import AdapterStore
from videomind.serve.app import create_app
from videomind.serve.http_server import HttpServer
from videomind.serve.services import open_services
from videomind.serve.settings import load_settings
from videomind.serve.state import State


@dataclass(frozen=True, slots=True)
class Live:
    """Attributes:
    url: where it answers, e.g. "http://127.0.0.1:40123".
    state: what it serves; `state.services` has the store, `state.running` the model and the queue.
    """

    url: str
    state: State


@contextmanager
def live_server(data: Path, agent: Agent, **settings: Any) -> Iterator[Live]:
    """Args:
    data: the server's folder; given again, what was stored is there again.
    agent: who answers; it is not closed.
    settings: as in `Settings`; the page is left out unless `page` is set.
    """
    with open_services(load_settings({"data": data, "page": False} | settings)) as services:
        state = State(services)
        server = HttpServer(create_app(state), "127.0.0.1", 0, on_close=state.stopping.set)
        with closing(AdapterStore(data / "adapters")) as adapters, closing(server):
            adapters.restore(agent.engine)
            state.serve(agent, adapters)
            server.start()
            yield Live(server.url, state)
