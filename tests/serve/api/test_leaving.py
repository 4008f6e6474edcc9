"""Clients that wait, go away, or are told of an error: the queue and the engine are free again afterwards."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from sqlalchemy import func, select

from tests.serve.api.questions import BLINKS, about, ask
from tests.serve.live import Live, live_server
from tests.waiting import wait_for
from videomind.agent import Agent
from videomind.cancellable import Cancel
from videomind.engines.base import Grounding, RoleRequest
from videomind.errors import Cancelled, EngineError
from videomind.serve.api import chat
from videomind.serve.store.conversations import TurnState
from videomind.serve.store.tables import TurnRow


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_frees_the_engine(
    live: Live, openai_client: openai.OpenAI, demo_id: str, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    before, grounding = turns(live, TurnState.CANCELLED), EndlessGrounding()
    with monkeypatch.context() as patched:
        patched.setattr(live.state.running.agent.engine, "ground", grounding)
        with sent(live.url, {"model": "videomind", "messages": about(demo_id, BLINKS.text), "stream": stream}):
            assert grounding.reached.wait(10)
            assert live.state.running.queue.running == 1
        assert grounding.freed.wait(10)
    wait_for(lambda: live.state.running.queue.running == 0)
    wait_for(lambda: turns(live, TurnState.CANCELLED) == before + 1)
    assert ask(openai_client, demo_id, BLINKS).choices[0].message.content == "square"


def test_an_error_amid_a_stream_is_told_in_the_stream(
    live: Live, openai_client: openai.OpenAI, demo_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(requests: Sequence[RoleRequest], cancel: Cancel) -> list[Grounding]:
        raise EngineError("out of memory: ask about a shorter video")

    monkeypatch.setattr(live.state.running.agent.engine, "ground", fail)
    before = turns(live, TurnState.FAILED)
    stream = ask(openai_client, demo_id, BLINKS, stream=True)
    with pytest.raises(openai.APIError, match="out of memory: ask about a shorter video"):
        list(stream)
    assert live.state.running.queue.running == 0
    wait_for(lambda: turns(live, TurnState.FAILED) == before + 1)


def test_who_has_to_wait_is_told_and_beyond_the_line_refused(
    tmp_path: Path, nano_agent: Agent, demo_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "PING_S", 0.05)
    grounding, key = EndlessGrounding(), "a-key"
    with (
        live_server(tmp_path / "data", nano_agent, api_key=key, parallel=1, waiting=1) as live,
        openai.OpenAI(base_url=f"{live.url}/v1", api_key=key, max_retries=0) as client,
        monkeypatch.context() as patched,
    ):
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="another").models.list()
        with demo_video.open("rb") as file:
            video = client.files.create(file=file, purpose="user_data").id
        patched.setattr(nano_agent.engine, "ground", grounding)
        question = {"model": "videomind", "messages": about(video, BLINKS.text), "stream": True}
        with sent(live.url, question, key):
            assert grounding.reached.wait(10)
            with sent(live.url, question, key) as second:
                told = b""
                while b": ping" not in told:
                    told += second.recv(65536)
                assert b'"videomind":{"event":"queued","position":1}' in told
                with pytest.raises(openai.RateLimitError, match="the server is busy: try again in") as refused:
                    ask(client, video, BLINKS)
                assert int(refused.value.response.headers["Retry-After"]) >= 1
        wait_for(lambda: (live.state.running.queue.running, live.state.running.queue.waiting) == (0, 0))


class EndlessGrounding:
    """In place of an engine's grounding: goes on until it is cancelled."""

    def __init__(self) -> None:
        self.reached, self.freed = threading.Event(), threading.Event()

    def __call__(self, requests: Sequence[RoleRequest], cancel: Cancel) -> list[Grounding]:
        self.reached.set()
        assert cancel.wait(10)
        self.freed.set()
        raise Cancelled


@contextmanager
def sent(url: str, body: dict[str, Any], key: str = "none") -> Iterator[socket.socket]:
    """A request on its way; the client goes away at the end, whether it was answered or not."""
    data, address = json.dumps(body).encode(), urlsplit(url)
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(data)}\r\n"
    request = f"POST /v1/chat/completions HTTP/1.1\r\n{head}Content-Type: application/json\r\n\r\n".encode()
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request + data)
        yield connection


def turns(live: Live, state: TurnState) -> int:
    """How many ended so."""
    with live.state.services.database.session() as session:
        return session.scalar(select(func.count()).where(TurnRow.state == state)) or 0
