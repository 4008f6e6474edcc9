"""Who may talk to the server: whoever has a key, or without keys only programs and pages of this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from videomind.errors import InputError
from videomind.serve.caller import LOCAL, Caller
from videomind.serve.errors import error_response
from videomind.serve.identity import Identity
from videomind.serve.session_cookie import set_session

OPEN_PATHS = frozenset({"/health", "/ready", "/login"})
"""The first two are asked by supervisors, which have no key, and tell nothing but whether the server runs."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
}
"""Of every answer. Gradio's page needs inline scripts and `eval`; nothing comes from other hosts."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_binding(host: str, api_key: str | None, locked: bool, insecure: bool) -> None:
    """Args:
        host: the address to listen on.
        api_key: the key of the settings.
        locked: whether nobody gets in without a key.
        insecure: whether that may be otherwise.

    Raises:
        InputError: others could reach the server and nothing would keep them out, or the key cannot be sent.
    """
    if api_key is not None and not (api_key and api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise InputError("the API key must be visible ASCII characters without blanks, at least one")
    if not locked and not insecure and not is_loopback(host):
        raise InputError(
            f"--host {host} can be reached from other machines: make an API key (videomind keys add NAME, or "
            "VIDEOMIND_API_KEY), or say --insecure if nobody else can reach it"
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
    """Lets requests through to the app with `state.caller` set, or answers them itself with 401 or 403.

    On a server with keys, a request has to bring one (`Authorization: Bearer KEY`) or the cookie of a session that was
    opened with one (/login). On a server without, pages of other sites that the user has open in a browser are kept
    out: by `Origin`, and on a loopback address by the name they call it by.

    Args:
        app: what is guarded.
        identity: who is who.
        local: whether the server listens on a loopback address only.
        secure_cookies: whether the browser may send the session by https only.
        origins: sites whose pages may ask, too.
    """

    def __init__(
        self,
        app: ASGIApp,
        identity: Identity,
        local: bool,
        secure_cookies: bool = False,
        origins: Collection[str] = (),
    ) -> None:
        self._app, self._identity, self._origins = app, identity, origins
        self._local, self._secure_cookies = local, secure_cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close"})
        send = _with_headers(send)
        if scope["path"] in OPEN_PATHS:
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        locked = self._identity.locked
        if not locked and not self._is_neighbour(headers):
            return await error_response(403, "requests from other sites' pages are refused")(scope, receive, send)
        address = scope["client"][0] if scope.get("client") else ""
        caller = await run_in_threadpool(self._identity.caller, headers, address)
        if caller is None:
            return await self._turn_away(scope, receive, send)
        if "authorization" not in headers and scope["method"] not in SAFE_METHODS and not self._from_here(headers):
            return await error_response(403, "requests from other sites' pages are refused")(scope, receive, send)
        if caller.owner == LOCAL and scope["path"] == "/" and scope["method"] == "GET":
            token, owner = await run_in_threadpool(self._identity.new_session)
            caller, send = Caller(owner, owner), set_session(send, token, self._secure_cookies)
        scope.setdefault("state", {})["caller"] = caller
        return await self._app(scope, receive, send)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/" and scope["method"] == "GET":
            return await RedirectResponse("/login", 303)(scope, receive, send)
        advice = {"WWW-Authenticate": "Bearer"}
        refusal = error_response(401, "a valid API key is needed: Authorization: Bearer KEY", advice)
        return await refusal(scope, receive, send)

    def _is_neighbour(self, headers: Headers) -> bool:
        if self._local and not is_loopback(_host(f"//{headers.get('host', '')}")):
            return False
        return self._from_here(headers)

    def _from_here(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        here = headers.get("host", "")
        return origin is None or origin in self._origins or origin in (f"http://{here}", f"https://{here}")


def _host(url: str) -> str:
    """Its host; "" of what is no URL."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
