"""Every request leaves a line in the log and a count in the metrics when it has ended."""

from __future__ import annotations

import logging
import time

from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from videomind.metrics import SECONDS

LOGGED = ("/v1/", "/login", "/logout")
"""Others (the page's parts, what supervisors ask all the time) are logged where they fail."""
REQUESTS = Counter("videomind_http_requests", "Requests over HTTP.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "videomind_http_request_seconds", "Seconds from a request to the end of its answer.", ["route"], buckets=SECONDS
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = logging.getLogger("videomind.serve.requests")


class Observed:
    """Outermost of all: sees what the guard refuses, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            _note(scope, status, time.perf_counter() - began)


def _note(scope: Scope, status: int, seconds: float) -> None:
    """Status 0: the client went away before there was one."""
    route = getattr(scope.get("route"), "path", "") or "other"
    method = scope["method"] if scope["method"] in METHODS else "other"
    REQUESTS.labels(method, route, status or "gone").inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    if scope["path"].startswith(LOGGED) or status >= 400:
        caller = scope.get("state", {}).get("caller")
        fields = {
            "method": method,
            "path": scope["path"],
            "status": status or "gone",
            "ms": round(1000 * seconds, 1),
            "owner": None if caller is None else caller.owner,
        }
        log.info("request", extra=fields)
