"""JSON bodies: never more than fits in memory, of one request and of all together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Message

MAX_BODY = 64 << 20
"""Bytes; a video in a data: URL is part of them."""
MAX_HELD = 8 * MAX_BODY
"""Bytes of all large bodies that are being read and looked at; parsing them takes about twice as much besides."""
LARGE = 1 << 20
"""Smaller ones always find room."""


class Room:
    """What large bodies take of `MAX_HELD`; of one event loop."""

    def __init__(self) -> None:
        self.held = 0

    def take(self, size: int) -> None:
        """Raises:
        HTTPException: (429) the others have it all.
        """
        if self.held + size > MAX_HELD:
            text = "the server reads as many large requests as it can: try again, or upload videos (POST /v1/files)"
            raise HTTPException(429, text, {"Retry-After": "1"})
        self.held += size

    def give(self, size: int) -> None:
        """Back, when nobody needs it any more."""
        self.held -= size


_ROOM = Room()


class SmallBodyRoute(APIRoute):
    """A route whose requests are read as a whole."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's, with the body counted as it comes in."""
        handle = super().get_route_handler()

        async def handle_small(request: Request) -> Response:
            received = held = 0

            async def counted() -> Message:
                nonlocal received, held
                message = await request.receive()
                received += len(message.get("body", b""))
                if received > MAX_BODY:
                    raise _too_large()
                if received > LARGE:
                    _ROOM.take(received - held)
                    held = received
                return message

            if int(request.headers.get("content-length", 0)) > MAX_BODY:
                raise _too_large()
            try:
                return await handle(Request(request.scope, counted))
            finally:
                _ROOM.give(held)

        return handle_small


def _too_large() -> HTTPException:
    """FastAPI takes any other error while it reads a body for a body that is no JSON."""
    return HTTPException(
        413, f"a request may have {MAX_BODY >> 20} MiB at most: upload a large video (POST /v1/files) and send its id"
    )
