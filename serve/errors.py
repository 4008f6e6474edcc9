"""Errors as JSON in OpenAI's shape, {"error": {"message", "type"}}, with the status code that belongs to them."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from videomind.errors import EngineBusy, EngineDead, InputError, VideoMindError

log = logging.getLogger("videomind.serve")
TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "service_unavailable",
    504: "timeout_error",
}
_STATUS: tuple[tuple[type[VideoMindError], int], ...] = ((EngineBusy, 429), (EngineDead, 503), (InputError, 400))


UNFORESEEN = "something went wrong in the server; its log says what"


class Refused(VideoMindError):  # noqa: N818  (the request was refused, nothing broke)
    """A request that is answered with a status code of its own.

    Attributes:
        status: HTTP's.
        retry_after: seconds after which it is worth trying again; None where nothing is known.
    """

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as the client gets it."""
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return JSONResponse({"error": {"message": message, "type": kind}}, status, headers)


def status_of(error: VideoMindError) -> int:
    """The status code that says whose fault an error is, and whether it is worth trying again."""
    if isinstance(error, Refused):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def retry_headers(error: VideoMindError) -> dict[str, str] | None:
    """When a client may come again, where an error passes by itself."""
    seconds = error.retry_after if isinstance(error, Refused) else None
    if seconds is None:
        seconds = 1.0 if status_of(error) == 429 else None
    return None if seconds is None else {"Retry-After": str(math.ceil(seconds))}


def install_error_handlers(app: FastAPI) -> None:
    """Let every error leave the app in the one shape."""

    @app.exception_handler(VideoMindError)
    async def _ours(_: Request, error: VideoMindError) -> JSONResponse:
        return error_response(status_of(error), str(error), retry_headers(error))

    @app.exception_handler(RequestValidationError)
    async def _malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return error_response(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        text = f"there is no {request.url.path} here" if error.status_code == 404 else error.detail
        return error_response(error.status_code, text, error.headers)

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return error_response(500, UNFORESEEN)
