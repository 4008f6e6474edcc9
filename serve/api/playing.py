"""`/v1/files/{id}/content`, `/play` and `/poster.jpg`: a stored video as it is, for a player, and as one picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from videomind.serve.api.playable import PlayableCopies
from videomind.serve.api.sending import PRIVATE, STILL, TYPES, named_after
from videomind.serve.api.stored import Served, Stored
from videomind.serve.api.work import work
from videomind.serve.evidence.pictures import poster_jpeg
from videomind.serve.services import Services
from videomind.serve.store.library import VideoFile
from videomind.whole_file import replacing

PATIENCE = 10.0
"""Seconds that a player waits for a copy before it is told to come again."""
AGAIN_S = 3
POSTER = ".poster.jpg"
FILM: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"video/*": {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The range that was asked for."},
    416: {"description": "It has no such range."},
}
PREPARING: dict[int | str, dict[str, Any]] = {202: {"description": "A playable copy is being made: come again."}}
PICTURE: dict[int | str, dict[str, Any]] = {200: {"description": "The picture.", "content": {"image/jpeg": {}}}}
FROM_THE_START = "bytes=0-"
"""How browsers begin to play, which counts as using the video."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    served: Services = app.state.videomind.services
    app.state.playable = PlayableCopies(served.library, served.videos.limits)
    yield


router = APIRouter(lifespan=_lifespan)


async def playable_copies(request: Request) -> PlayableCopies:
    """The one of the app."""
    copies: PlayableCopies = request.app.state.playable
    return copies


@router.head("/{file_id}/content", include_in_schema=False)
@router.get("/{file_id}/content", response_class=FileResponse, responses=FILM)
def content(video: Stored, served: Served) -> FileResponse:
    """The video as it was sent; ranges are served."""
    return _film(served.library.path(video), video, TYPES.get(video.info.kind), video.name, "attachment")


@router.head("/{file_id}/play", include_in_schema=False)
@router.get("/{file_id}/play", response_class=FileResponse, responses=FILM | PREPARING)
async def play(
    video: Stored,
    served: Served,
    copies: Annotated[PlayableCopies, Depends(playable_copies)],
    range_: Annotated[str, Header(alias="range", include_in_schema=False)] = FROM_THE_START,
) -> Response:
    """The video as browsers can play it; ranges are served. 202 while a copy is being made: come again."""
    if range_.startswith(FROM_THE_START):
        await run_in_threadpool(served.library.touch, video.id)
    original = await run_in_threadpool(served.library.path, video)
    if video.info.playable:
        return _film(original, video, TYPES.get(video.info.kind), video.name, "inline")
    copy = await copies.copy(video, PATIENCE)
    if copy is None:
        again = {"Retry-After": str(AGAIN_S), "Cache-Control": "no-store"}
        return JSONResponse({"id": video.id, "object": "file", "status": "preparing"}, 202, again)
    return _film(copy, video, "video/mp4", named_after(video.name, ".mp4"), "inline")


@router.head("/{file_id}/poster.jpg", include_in_schema=False)
@router.get("/{file_id}/poster.jpg", response_class=FileResponse, responses=PICTURE)
async def poster(video: Stored, served: Served) -> FileResponse:
    """A frame that stands for the video, at most 640 pixels wide."""
    path = served.library.blobs.derived(video.sha256, POSTER)
    if not path.is_file():
        await work(_draw_poster, served, video, path)
    return _film(path, video, "image/jpeg", named_after(video.name, ".jpg"), "inline")


def _draw_poster(served: Services, video: VideoFile, path: Path) -> None:
    with served.videos.reader(video) as reader:
        picture = poster_jpeg(reader)
    with replacing(path) as partial:
        partial.write_bytes(picture)


def _film(path: Path, video: VideoFile, media_type: str | None, name: str, kind: str) -> FileResponse:
    return FileResponse(
        path,
        media_type=media_type or "application/octet-stream",
        filename=name,
        content_disposition_type=kind,
        headers={"ETag": f'"{video.sha256}{path.suffix}"', **PRIVATE, **STILL},
    )
