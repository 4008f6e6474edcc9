"""The film: a player with its time axis and every candidate on it, and the place where a video is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from videomind.results import Candidate
from videomind.serve.page.assets import script, value_text
from videomind.serve.page.telling import Telling
from videomind.serve.page.words import absent_text
from videomind.serve.store.library import VideoFile

SHOWN = 12
"""Candidates that have a line of their own."""


def film(max_bytes: int, max_hours: float) -> gr.HTML:
    """The film before the page has loaded. Its value is then what `no_film` or `film_value` gives; `static/film.js`
    draws it.

    Events: `uploaded` {id}, a video is in the library; `open_video` {id}, one that was there already; `open_sample`;
    `ask_about` {start, end} in seconds.

    Args:
        max_bytes: of the largest video that is taken.
        max_hours: of the longest.
    """
    return gr.HTML(
        value_text(no_film(()) | {"state": "loading"}),
        html_template="",
        js_on_load=script("dom", "player", "drop", "film"),
        apply_default_css=False,
        elem_id="film",
        max_bytes=max_bytes,
        hint=f"MP4, WebM, MKV, MOV, AVI or GIF, up to {max_bytes / (1 << 30):.3g} GB and {max_hours:g} hours",
    )


def no_film(recent: Sequence[VideoFile], sample: bool = False) -> dict[str, Any]:
    """The place to drop a video, or to pick one.

    Args:
        recent: videos that are there.
        sample: whether a sample is offered.
    """
    return {
        "video": None,
        "rows": [],
        "sample": sample,
        "recent": [{"id": v.id, "name": v.name, "poster": poster_url(v)} for v in recent],
    }


def film_value(
    video: VideoFile, telling: Telling | None = None, play: bool = False, answers: bool = True
) -> dict[str, Any]:
    """What the film shows.

    Args:
        video: what plays.
        telling: the turn whose candidates are marked.
        play: whether to play the moment as soon as it is there.
        answers: whether a part of it can be asked about.
    """
    shown: dict[str, Any] = {"video": _video(video), "answers": answers, "play": play, "rows": [], "state": "idle"}
    if telling is None:
        return shown
    result = telling.result
    if result is not None:
        state = "found" if result.localized else "absent" if result.candidates else "answered"
        rows, note = _rows(result.candidates, result.moments), absent_text(result)
    else:
        state = "working" if telling.doing else "idle"
        rows, note = _rows(telling.candidates, telling.moments) if telling.doing else [], ""
    said = telling.answer or telling.doing
    answer = "" if note.startswith(said.rstrip(".")) else said
    part = {"start": telling.ask.span[0], "end": telling.ask.span[1]} if telling.ask.span is not None else None
    return shown | {"turn": telling.turn, "state": state, "rows": rows, "note": note, "part": part, "answer": answer}


def poster_url(video: VideoFile) -> str:
    """A still of it."""
    return f"/v1/files/{video.id}/poster.jpg"


def _video(video: VideoFile) -> dict[str, Any]:
    info = video.info
    return {
        "id": video.id,
        "duration": info.duration,
        "width": info.width,
        "height": info.height,
        "playable": info.playable,
        "src": f"/v1/files/{video.id}/play",
        "poster": poster_url(video),
    }


def _rows(candidates: Sequence[Candidate], moments: Sequence[Candidate]) -> list[dict[str, Any]]:
    return [
        {
            "rank": rank,
            "start": candidate.start,
            "end": candidate.end,
            "confidence": candidate.confidence,
            "verified": candidate.verified,
            "probability": candidate.probability,
            "chosen": candidate in moments and candidate.confidence > 0,
        }
        for rank, candidate in enumerate(candidates[:SHOWN])
    ]
