"""The cookie that a browser keeps its session in: not readable by scripts, not sent by other sites' pages."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Message, Send

from videomind.serve.identity import COOKIE

MAX_AGE = 365 * 24 * 3600
"""Seconds."""


def add_session(response: Response, token: str, secure: bool) -> None:
    """Let an answer set the cookie.

    Args:
        response: the answer.
        token: the session's.
        secure: whether the browser may send it by https only.
    """
    response.set_cookie(COOKIE, token, max_age=MAX_AGE, secure=secure, httponly=True, samesite="strict")


def set_session(send: Send, token: str, secure: bool) -> Send:
    """As `add_session`, for whatever answer goes through `send`."""
    response = Response()
    add_session(response, token, secure)
    cookie = next(header for header in response.raw_headers if header[0] == b"set-cookie")

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], cookie]
        await send(message)

    return sent
