"""The moments of a result on the player's clock: as a span to cut out, and as subtitles."""

from __future__ import annotations

import html
from typing import Literal

import pysubs2

from videomind.results import Candidate, Result, percent
from videomind.roles.spans import widen_span
from videomind.serve.errors import Refused
from videomind.vision.base import VideoReader

SHORTEST_CLIP = 1.0
"""Seconds."""


def candidate_at(result: Result, place: int) -> Candidate:
    """A candidate by its place, best first: 0 is the moment, where one was found.

    Raises:
        Refused: (404) there is none at this place.
    """
    if not 0 <= place < len(result.candidates):
        known = f"0 to {len(result.candidates) - 1}" if result.candidates else "none: nothing was looked for"
        raise Refused(404, f"there is no candidate {place}; this result has {known}")
    return result.candidates[place]


def clip_span(reader: VideoReader, candidate: Candidate) -> tuple[float, float]:
    """Where a player finds a candidate: seconds from the first frame; one of no length is widened to a second."""
    start, end = widen_span(candidate.start, candidate.end, reader.duration, SHORTEST_CLIP)
    return reader.shown_at(start), reader.shown_at(end)


def moments_as_subtitles(reader: VideoReader, result: Result, kind: Literal["srt", "vtt"]) -> str:
    """A subtitle file that says during each moment what it shows, how sure that is, and the answer.

    Without a moment, or with one that is only a guess, it has no subtitles.
    """
    file = pysubs2.SSAFile()
    for moment in sorted(result.moments if result.localized else (), key=lambda moment: moment.start):
        start, end = clip_span(reader, moment)
        lines = [_plain(line, kind) for line in _lines(result, moment)]
        file.append(pysubs2.SSAEvent(pysubs2.make_time(s=start), pysubs2.make_time(s=end), text="\n".join(lines)))
    text: str = file.to_string(kind, keep_ssa_tags=True)
    return text


def _lines(result: Result, moment: Candidate) -> list[str]:
    sure = [f"confidence {moment.confidence:.2f}"]
    if moment.verified is not None:
        sure.append(f"verified {moment.verified:.2f}")
    if moment.probability is not None:
        sure.append(f"{percent(moment.probability)} likely")
    answer = [result.answer.text] if result.answer is not None else []
    return [line for line in (result.question, *answer, ", ".join(sure)) if line.strip()]


def _plain(line: str, kind: str) -> str:
    """One line that no reader of subtitles takes for anything but text; pysubs2 itself reads "\\n" as a new line."""
    one = " ".join(line.split()).replace("-->", "→").replace("\\", "\\\u2060")
    return html.escape(one, quote=False) if kind == "vtt" else one
