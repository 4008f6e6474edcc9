"""The server ends without waiting for streams that have no end of their own."""

from __future__ import annotations

import asyncio
from contextlib import closing
from time import monotonic

import httpx2
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from videomind.serve.http_server import GRACE, HttpServer
from videomind.serve.stopping import Stopping


def test_an_endless_stream_is_ended_with_the_server() -> None:
    stopping, ended = Stopping(), []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def beats():
            try:
                while True:
                    yield b"beat"
                    await asyncio.sleep(0.01)
            finally:
                ended.append("beats")

        await StreamingResponse(beats())(scope, stopping.disconnecting(receive), send)

    with (
        closing(HttpServer(app, "127.0.0.1", 0, on_close=stopping.set)) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        server.start()
        with client.stream("GET", "/") as stream:
            assert next(stream.iter_bytes()).startswith(b"beat")
            began = monotonic()
            server.close()
            assert monotonic() - began < GRACE / 2
    assert ended == ["beats"]


def test_what_comes_meanwhile_is_passed_on() -> None:
    async def receive():
        return {"type": "http.request", "body": b"all"}

    async def received():
        stopping = Stopping()
        receiving = stopping.disconnecting(receive)
        before = await receiving()
        stopping.set()
        return before

    assert asyncio.run(received())["body"] == b"all"
