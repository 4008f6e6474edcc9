"""Work for a client ends when the client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from fastapi import Request

from videomind.serve.errors import Refused

T = TypeVar("T")
CLIENT_GONE = 499
"""The status that logs show; there is nobody to send it to."""


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What comes of the work, which is cancelled when the client disconnects. The body has been read before.

    Raises:
        Refused: (499) the client has gone away.
    """
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Refused(CLIENT_GONE, "the client went away")
        return await working
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def until_answered() -> AsyncIterator[AsyncExitStack]:
    """What an endpoint depends on to hold something until its answer is sent, or cannot be sent any more."""
    async with AsyncExitStack() as held:
        yield held


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
