"""Who is asking: the owner of files and history, and the client that queues."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

LOCAL = "local"
"""Owner of what programs ask on a server without keys."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Attributes:
    owner: whose files and conversations: "key:NAME", "session:HEX", or "local".
    client: who takes turns with others in the queue.
    """

    owner: str
    client: str


async def caller(request: HTTPConnection) -> Caller:
    """What an endpoint depends on; the Guard has found it out before any endpoint is reached.

    Asynchronous, as all that only look something up: FastAPI calls plain functions in threads, which takes longer.
    """
    found: Caller = request.state.caller
    return found
