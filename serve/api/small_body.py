"""JSON bodies: never more than fits in memory."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Message

MAX_BODY = 64 << 20
"""Bytes; a video in a data: URL is part of them."""


class SmallBodyRoute(APIRoute):
    """A route whose requests are read as a whole."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's, with the body counted as it comes in."""
        handle = super().get_route_handler()

        async def handle_small(request: Request) -> Response:
            received = 0

            async def counted() -> Message:
                nonlocal received
                message = await request.receive()
                received += len(message.get("body", b""))
                if received > MAX_BODY:
                    raise _too_large()
                return message

            if int(request.headers.get("content-length", 0)) > MAX_BODY:
                raise _too_large()
            return await handle(Request(request.scope, counted))

        return handle_small


def _too_large() -> HTTPException:
    """FastAPI takes any other error while it reads a body for a body that is no JSON."""
    return HTTPException(
        413, f"a request may have {MAX_BODY >> 20} MiB at most: upload a large video (POST /v1/files) and send its id"
    )
