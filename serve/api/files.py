"""`/v1/files`: the caller's videos, in the shapes of OpenAI's API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from videomind.serve.api import playing
from videomind.serve.api.client_gone import CLIENT_GONE
from videomind.serve.api.stored import Asking, Id, Served, Stored
from videomind.serve.api.upload_form import UploadForm
from videomind.serve.errors import Refused
from videomind.serve.store.library import MediaInfo, VideoFile

MOST_LISTED = 10_000
BINARY = {"type": "string", "format": "binary"}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": BINARY, "purpose": {"type": "string"}},
                }
            },
            "application/octet-stream": {"schema": BINARY},
        },
    }
}

router = APIRouter(prefix="/v1/files", tags=["files"])
router.include_router(playing.router)


class FileObject(BaseModel):
    """OpenAI's file object, and what the video in it is. Sizes in bytes, times in seconds."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: Literal["vision"] = "vision"
    status: Literal["processed"] = "processed"
    sha256: str
    video: MediaInfo


class FileList(BaseModel):
    """A page of them."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """What is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


@router.post("", openapi_extra=UPLOAD)
async def add_file(request: Request, served: Served, asking: Asking, name: str = "") -> FileObject:
    """Take in a video: as the part `file` of a form, or as the body itself with `?name=`.

    It is received once: the same content again gives the same file.
    """
    kind = request.headers.get("content-type", "")
    body = _body(request)
    if not kind.startswith("multipart/form-data"):
        return _object(await served.media.receive(asking.owner, name, body))
    form = UploadForm(kind, body)
    try:
        async with asyncio.timeout(served.settings.upload_idle_s):
            name = await form.name()
    except TimeoutError:
        raise Refused(408, "the form came too slowly: send it again") from None
    return _object(await served.media.receive(asking.owner, name, form.content()))


@router.get("")
def list_files(
    served: Served,
    asking: Asking,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = MOST_LISTED,
    order: Literal["asc", "desc"] = "desc",
    after: str | None = None,
    sha256: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$")] = None,
) -> FileList:
    """The caller's videos by when they came; with `sha256`, the one of that content if it is here."""
    if sha256 is not None:
        known = served.library.known(asking.owner, sha256)
        return _page([known] if known is not None else [], limit)
    found = served.library.entries(asking.owner, MOST_LISTED)
    if order == "asc":
        found.reverse()
    places = [place for place, video in enumerate(found) if video.id == after]
    return _page(found[places[0] + 1 :] if places else found, limit)


@router.get("/{file_id}")
def get_file(video: Stored) -> FileObject:
    """One of them."""
    return _object(video)


@router.delete("/{file_id}")
def remove_file(file_id: Id, served: Served, asking: Asking) -> FileDeleted:
    """Forget one. What was asked about it stays in the history."""
    served.library.remove(asking.owner, file_id)
    return FileDeleted(id=file_id)


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for data in request.stream():
            if data:
                yield data
    except ClientDisconnect:
        raise Refused(CLIENT_GONE, "the client went away") from None


def _page(videos: list[VideoFile], limit: int) -> FileList:
    shown = [_object(video) for video in videos[:limit]]
    return FileList(
        data=shown,
        first_id=shown[0].id if shown else None,
        last_id=shown[-1].id if shown else None,
        has_more=len(videos) > limit,
    )


def _object(video: VideoFile) -> FileObject:
    return FileObject(
        id=video.id,
        bytes=video.bytes,
        created_at=video.created,
        filename=video.name,
        sha256=video.sha256,
        video=video.info,
    )
