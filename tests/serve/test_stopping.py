"""The server ends without waiting for streams that have no end of their own."""

from __future__ import annotations

import asyncio
from contextlib import closing
from time import monotonic

import httpx2
from starlette.types import Receive, Scope, Send

from videomind.serve.http_server import GRACE, HttpServer
from videomind.serve.stopping import Stopping


def test_who_waits_for_the_client_to_go_is_told_so_when_the_server_ends() -> None:
    stopping, told = Stopping(), []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"beat", "more_body": True})
        receive = stopping.disconnecting(receive)
        while (message := await receive())["type"] != "http.disconnect":
            pass
        told.append(message["type"])

    with (
        closing(HttpServer(app, "127.0.0.1", 0, on_close=stopping.set)) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        server.start()
        with client.stream("GET", "/") as stream:
            beats = stream.iter_bytes()  # held: without it the client closes the connection
            assert next(beats) == b"beat"
            began = monotonic()
            server.close()
            assert monotonic() - began < GRACE / 2
    assert told == ["http.disconnect"]


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
