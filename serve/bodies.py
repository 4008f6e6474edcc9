"""Bodies of requests: no larger than what there is to say, no slower than a line that works, not too many at once."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import NamedTuple

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from videomind.serve.errors import error_response

STREAMED = "/v1/files"
"""Videos go to disk as they come, within limits of their own (`media/receive.py`)."""
LARGE = 1 << 20
"""Bytes in memory; smaller bodies always find room."""
HELD = 512 << 20
"""Bytes of all large bodies that are being read and looked at; parsing them takes about twice as much besides."""
SLOWEST = 64 << 10
"""Bytes a second on average, after the seconds in which nothing at all need come."""


class Limit(NamedTuple):
    """Attributes:
    most: bytes.
    in_memory: whether the body is read as a whole.
    advice: what else can be done.
    """

    most: int
    in_memory: bool = True
    advice: str = ""


LIMITS = {
    "/v1/adapters/": Limit(1 << 30, in_memory=False),
    "/v1/": Limit(64 << 20, advice=": upload a large video (POST /v1/files) and send its id"),
    "/login": Limit(4 << 10),
    "": Limit(20 << 20),  # the page, which sends a subtitle file as text
}
"""By what the path begins with; the first counts."""


class Bodies:
    """Ends a request whose body is too large (413), too slow (408), or for which the others leave no room (429).

    Args:
        app: what reads them.
        patience_s: seconds in which nothing at all need come.
    """

    def __init__(self, app: ASGIApp, patience_s: float) -> None:
        self._app, self._patience_s, self._room = app, patience_s, Room()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == STREAMED:
            return await self._app(scope, receive, send)
        limit = next(limit for start, limit in LIMITS.items() if scope["path"].startswith(start))
        if int(Headers(scope=scope).get("content-length", 0)) > limit.most:
            return await error_response(413, _too_large(limit))(scope, receive, send)
        body = _Body(receive, limit, self._patience_s, self._room)

        async def answer(message: Message) -> None:
            body.let_go()
            await send(message)

        try:
            await self._app(scope, body.receive, answer)
        finally:
            body.let_go()


class Room:
    """What large bodies take of `HELD`; of one event loop."""

    def __init__(self) -> None:
        self._held = 0

    def take(self, size: int) -> None:
        """Raises:
        HTTPException: (429) the others have it all.
        """
        if self._held + size > HELD:
            text = "the server reads as many large requests as it can: try again, or upload videos (POST /v1/files)"
            raise HTTPException(429, text, {"Retry-After": "1"})
        self._held += size

    def give(self, size: int) -> None:
        """Back, when nobody needs it any more."""
        self._held -= size


class _Body:
    """One on its way. Its errors are HTTPExceptions: FastAPI takes any other for a body that is no JSON."""

    def __init__(self, receive: Receive, limit: Limit, patience_s: float, room: Room) -> None:
        self._receive, self._limit, self._room = receive, limit, room
        self._patience_s, self._whole = patience_s, False
        self._received = self._held = 0

    async def receive(self) -> Message:
        """The next message, as the app asks for it; after the body only that the client goes away, some time."""
        began = monotonic()
        try:
            async with asyncio.timeout(None if self._whole else self._patience_s):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the request came too slowly: send it again") from None
        self._patience_s -= monotonic() - began
        size = len(message.get("body", b""))
        self._received, self._patience_s = self._received + size, self._patience_s + size / SLOWEST
        self._whole = not message.get("more_body", False)
        if self._received > self._limit.most:
            raise HTTPException(413, _too_large(self._limit))
        if size and self._limit.in_memory and self._received > LARGE:
            self._room.take(self._received - self._held)
            self._held = self._received
        return message

    def let_go(self) -> None:
        """Nobody needs it any more."""
        self._room.give(self._held)
        self._held = 0


def _too_large(limit: Limit) -> str:
    size = f"{limit.most >> 20} MiB" if limit.most >= 1 << 20 else f"{limit.most >> 10} KiB"
    return f"a request may have {size} at most{limit.advice}"
