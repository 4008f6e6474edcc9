"""The files that prove a result, made when they are asked for."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from starlette.responses import Response

from videomind.serve.api.proof import Proof, Proved
from videomind.serve.api.sending import PRIVATE, STILL, named_after, sent
from videomind.serve.api.work import work
from videomind.serve.evidence.moments import candidate_at, clip_span, moments_as_subtitles
from videomind.serve.evidence.pictures import strip_png, timeline_png, timeline_svg
from videomind.serve.evidence.report import report_html
from videomind.serve.sandbox.jobs import export_clip

router = APIRouter()


def _sends(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """How an endpoint's file is described."""
    return {200: {"description": "The file.", "content": {kind: {} for kind in kinds}}}


@router.get("/{turn_id}/clip.mp4", response_class=FileResponse, responses=_sends("video/mp4"))
async def clip(proof: Proved, candidate: Annotated[int, Query(ge=0)] = 0) -> FileResponse:
    """A candidate cut out of the video, with its sound; 0 is the moment, where one was found."""
    folder = tempfile.TemporaryDirectory(prefix="videomind-")
    path = Path(folder.name) / "clip.mp4"
    try:
        await work(_cut, proof, candidate, path)
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        path,
        media_type="video/mp4",
        filename=named_after(proof.turn.file_name, f"-clip{candidate or ''}.mp4"),
        headers={**PRIVATE, **STILL},
        background=BackgroundTask(folder.cleanup),
    )


@router.get("/{turn_id}/strip.png", response_class=Response, responses=_sends("image/png"))
async def strip(proof: Proved) -> Response:
    """Frames across the video, those of the moment framed."""
    return _sent(proof, await work(_strip, proof), "image/png", "-strip.png")


@router.get("/{turn_id}/timeline.{kind}", response_class=Response, responses=_sends("image/png", "image/svg+xml"))
async def timeline(proof: Proved, kind: Literal["png", "svg"]) -> Response:
    """The question, and the candidates on the time axis."""
    if kind == "svg":
        return _sent(proof, await work(timeline_svg, proof.result), "image/svg+xml", "-timeline.svg")
    return _sent(proof, await work(timeline_png, proof.result), "image/png", "-timeline.png")


@router.get("/{turn_id}/moments.{kind}", response_class=Response, responses=_sends("application/x-subrip", "text/vtt"))
async def moments(proof: Proved, kind: Literal["srt", "vtt"]) -> Response:
    """The moments as subtitles that say what is seen; without a moment, a file without subtitles."""
    media_type = "text/vtt" if kind == "vtt" else "application/x-subrip"
    return _sent(proof, await work(_subtitles, proof, kind), media_type, f"-moments.{kind}")


@router.get("/{turn_id}/report.html", response_class=Response, responses=_sends("text/html"))
async def report(proof: Proved) -> Response:
    """A page that holds everything, to be read, printed or kept."""
    return _sent(proof, await work(_report, proof), "text/html", "-report.html")


@router.get("/{turn_id}/trace.json", response_class=Response, responses=_sends("application/json"))
def trace(proof: Proved) -> Response:
    """Every call of every role."""
    return _sent(proof, _json(proof.result.trace.to_json()), "application/json", "-trace.json")


@router.get("/{turn_id}/result.json", response_class=Response, responses=_sends("application/json"))
def result(proof: Proved) -> Response:
    """The result, with the keys of the command line's JSON."""
    return _sent(proof, _json(proof.result.to_json()), "application/json", "-result.json")


def _sent(proof: Proof, data: bytes | str, media_type: str, suffix: str) -> Response:
    return sent(data, media_type, named_after(proof.turn.file_name, suffix))


def _cut(proof: Proof, candidate: int, out: Path) -> None:
    with proof.reader() as reader:
        start, end = clip_span(reader, candidate_at(proof.result, candidate))
    library = proof.services.library
    export_clip(library.path(proof.video()), out, start, end, proof.services.videos.limits, proof.turn.file_name)


def _strip(proof: Proof) -> bytes:
    with proof.reader() as reader:
        return strip_png(reader, proof.result)


def _subtitles(proof: Proof, kind: Literal["srt", "vtt"]) -> str:
    with proof.reader() as reader:
        return moments_as_subtitles(reader, proof.result, kind)


def _report(proof: Proof) -> str:
    with proof.reader() as reader:
        return report_html(reader, proof.result, proof.ask.options, proof.turn.created)


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
