"""Two servers on one database and one folder of videos, as docs/scaling.md describes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.serve.store import postgres
from videomind import Agent, Client
from videomind.client.server import Server
from videomind.serve.adapter_store import AdapterStore
from videomind.serve.app import create_app
from videomind.serve.http_server import HttpServer
from videomind.serve.services import open_services
from videomind.serve.settings import load_settings
from videomind.serve.state import State

BLINKS = "What shape is the thing that blinks?"


@contextmanager
def serving(data: Path, database: str, instance: str, agent: Agent) -> Iterator[str]:
    """One of several servers; its address."""
    flags = {"data": data, "database": database, "instance": instance, "page": False, "api_key": "secret"}
    with ExitStack() as stack:
        state = State(stack.enter_context(open_services(load_settings(flags))))
        server = stack.enter_context(closing(HttpServer(create_app(state), "127.0.0.1", 0)))
        adapters = stack.enter_context(closing(AdapterStore(data / f"adapters-{instance}")))
        adapters.restore(agent.engine)
        state.serve(agent, adapters)
        server.start()
        yield server.url


@pytest.mark.skipif(postgres.programs() is None, reason="needs PostgreSQL: apt install postgresql")
def test_a_video_sent_to_one_can_be_asked_about_at_the_other(
    nano_agent: Agent, demo_video: Path, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(postgres.running(postgres.programs()))()
        urls = [stack.enter_context(serving(tmp_path, database, name, nano_agent)) for name in ("a", "b")]
        clients = [stack.enter_context(Client(url, "secret")) for url in urls]
        servers = [stack.enter_context(Server(url, "secret")) for url in urls]
        assert clients[0].ask(demo_video, BLINKS).answer == clients[1].ask(demo_video, BLINKS).answer
        listed = [server.call("GET", "/v1/files")["data"] for server in servers]
        assert listed[0] == listed[1]
        assert len(listed[0]) == 1
