"""How files leave the server: under their names, with the type that was found in them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import quote

from starlette.responses import Response

TYPES = {
    "mp4": "video/mp4",
    "quicktime": "video/quicktime",
    "webm": "video/webm",
    "matroska": "video/x-matroska",
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
    "ogg": "video/ogg",
    "flv": "video/x-flv",
    "asf": "video/x-ms-asf",
    "gif": "image/gif",
}
"""By the kind that a video was found to be, whatever its name says."""
PRIVATE = {"Cache-Control": "private, max-age=3600"}
"""What is sent under one address stays the same, and is nobody else's."""
STILL = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
"""Opened on its own, a file neither runs nor loads anything."""


def named_after(video: str, suffix: str) -> str:
    """Name of a file that was made from a video: "film.mp4" and "-clip.mp4" give "film-clip.mp4"."""
    return f"{PurePosixPath(video).stem}{suffix}"


def sent(data: bytes | str, media_type: str, name: str, kind: Literal["inline", "attachment"] = "inline") -> Response:
    """A file that was made just now."""
    headers = {"Content-Disposition": f"{kind}; filename*=utf-8''{quote(name)}", **PRIVATE, **STILL}
    return Response(data, media_type=media_type, headers=headers)
