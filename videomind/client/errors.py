"""What a server refuses, as the errors that the agent itself would raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from videomind.errors import EngineBusy, EngineError, InputError, VideoMindError

RETRY_S = 1.0
"""Seconds to wait where a busy server does not say for how long."""
_OURS_TO_MEND = frozenset(
    {
        "authentication_error",
        "conflict_error",
        "invalid_request_error",
        "not_found_error",
        "permission_error",
        "request_too_large",
    }
)


class ServerBusy(EngineBusy):
    """The server has as many questions as it takes, of all clients or of this one.

    Attributes:
        retry_after: seconds after which it is worth asking again.
    """

    def __init__(self, message: str, retry_after: float = RETRY_S) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotThere(InputError):  # noqa: N818  (named after what is the case)
    """The server has nothing under this name: a file that was removed, say."""


def error_of_response(status: int, headers: Mapping[str, str], content: bytes, url: str) -> VideoMindError:
    """What a response other than success means.

    Args:
        status: its code.
        headers: its headers, by lower-case name.
        content: its body.
        url: address of the server, to name it by.
    """
    if status == 401:
        return InputError(f"the server at {url} wants its API key: give --api-key or set VIDEOMIND_API_KEY")
    try:
        error = json.loads(content)["error"]
        text = str(error["message"])
    except (ValueError, LookupError, TypeError):
        return InputError(f"what answers at {url} is no VideoMind server (status {status}); give another --url")
    match status:
        case 429:
            return ServerBusy(text, _seconds(headers.get("retry-after")))
        case 404 | 410:
            return NotThere(text)
        case _ if status < 500:
            return InputError(text)
        case _:
            return EngineError(f"the server at {url}: {text}")


def error_in_stream(error: Mapping[str, Any], url: str) -> VideoMindError:
    """What an error means that came after the answer had begun, when there is no status code any more."""
    text, kind = str(error.get("message", "it broke off")), error.get("type")
    if kind == "rate_limit_error":
        return ServerBusy(text)
    return InputError(text) if kind in _OURS_TO_MEND else EngineError(f"the server at {url}: {text}")


def _seconds(header: str | None) -> float:
    """`Retry-After` in seconds; its other form, a date, is no business of a queue."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else RETRY_S
