"""The HTTP side ends in good order, however its end comes about."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from videomind.serve.http_server import HttpServer

TAKES_S = 1.0


class SignalledError(Exception):
    """Raised by a handler, wherever the main thread is."""


@pytest.fixture
def alarmed() -> Iterator[None]:
    def raise_it(_: int, __: FrameType | None) -> None:
        raise SignalledError

    before = signal.signal(signal.SIGALRM, raise_it)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarmed")
def test_a_signal_ends_the_wait_and_not_the_answers_under_way() -> None:
    asked, answered = threading.Event(), threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        asked.set()
        await asyncio.sleep(TAKES_S)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all of it"})
        answered.set()

    server = HttpServer(slow, "127.0.0.1", 0)
    server.start()
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(httpx2.get, server.url, timeout=30)
        assert asked.wait(30)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(SignalledError):
            server.wait()
        server.close()
        assert answered.is_set()
        assert answer.result().content == b"all of it"
    server.close()  # again, as an exit stack may


def test_what_was_never_started_can_be_closed() -> None:
    server = HttpServer(lambda scope, receive, send: asyncio.sleep(0), "127.0.0.1", 0)
    server.close()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(server.url)
