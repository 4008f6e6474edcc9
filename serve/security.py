"""Who may talk to the server: whoever has the key, or without one only programs on this machine."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from videomind.errors import InputError
from videomind.serve.errors import error_response

OPEN_PATHS = frozenset({"/health", "/ready"})
"""Asked by supervisors, which have no key; they tell nothing but whether the server runs."""


def check_binding(host: str, api_key: str | None, insecure: bool) -> None:
    """Raises:
    InputError: others could reach the server and nothing would keep them out, or the key cannot be sent.
    """
    if api_key is not None and not (api_key and api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise InputError("the API key must be visible ASCII characters without blanks, at least one")
    if api_key is None and not insecure and not is_loopback(host):
        raise InputError(
            f"--host {host} can be reached from other machines: give an API key (VIDEOMIND_API_KEY or --api-key), "
            "or say --insecure if nobody else can reach it"
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets requests through to the app, or answers them itself with 401 or 403.

    With a key, a request has to bring it (`Authorization: Bearer KEY`). Without, pages of other sites that the user
    has open in a browser are kept out: by `Origin`, and on a loopback address by the name they call it by.

    Args:
        app: what is guarded.
        api_key: the key, or None.
        local: whether the server listens on a loopback address only.
    """

    def __init__(self, app: ASGIApp, api_key: str | None, local: bool) -> None:
        self._app, self._local = app, local
        self._expected = None if api_key is None else f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            headers = Headers(scope=scope)
            if self._expected is not None and not self._has_key(headers):
                advice = {"WWW-Authenticate": "Bearer"}
                refusal = error_response(401, "a valid API key is needed: Authorization: Bearer KEY", advice)
                return await refusal(scope, receive, send)
            if self._expected is None and not self._is_neighbour(headers):
                return await error_response(403, "requests from other sites' pages are refused")(scope, receive, send)
        return await self._app(scope, receive, send)

    def _has_key(self, headers: Headers) -> bool:
        assert self._expected is not None
        return hmac.compare_digest(headers.get("authorization", "").encode(), self._expected)

    def _is_neighbour(self, headers: Headers) -> bool:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._local and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return False
        return origin is None or urlsplit(origin).netloc == host
