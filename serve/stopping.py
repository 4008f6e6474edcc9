"""The server ends: what streams without an end of its own is told so, that nobody waits for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive


class Stopping:
    """Set once, from any thread; waited for in the server's event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def set(self) -> None:
        """From now on the server is ending."""
        if self._loop is None:
            self._event.set()
            return
        with suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._event.set)

    def disconnecting(self, receive: Receive) -> Receive:
        """As `receive`; but when the server ends it says that the client has gone."""

        async def received() -> Message:
            self._loop = asyncio.get_running_loop()
            coming, ending = asyncio.ensure_future(receive()), asyncio.ensure_future(self._event.wait())
            try:
                await asyncio.wait((coming, ending), return_when=asyncio.FIRST_COMPLETED)
                return coming.result() if coming.done() else {"type": "http.disconnect"}
            finally:
                coming.cancel()
                ending.cancel()

        return received
