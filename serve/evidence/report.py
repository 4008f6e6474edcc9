"""A report on one answer: a page of its own, to be read, printed or kept, that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import ascii_uppercase

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from videomind.results import Candidate, Result, RoleCall, percent
from videomind.serve.evidence.pictures import frame_jpeg, strip_png
from videomind.vision.base import VideoReader
from videomind.vision.canvas import clock

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Nothing in the page may load or run anything, whatever a question or a file name says."""
MOST_PICTURED = 3
"""Moments that are shown in pictures."""
STILL_PLACES = (1 / 6, 1 / 2, 5 / 6)
"""Shares of a moment."""
STILL_WIDTH = 480
"""Pixels."""
MOST_TEXT = 600
"""Characters of a prompt or reply that are shown."""


@dataclass(frozen=True, slots=True)
class Still:
    """A frame of a moment, and when it is shown (seconds)."""

    time: float
    picture: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A candidate on the time axis; left and width in percent of the video."""

    candidate: Candidate
    chosen: bool
    left: float
    width: float


def report_html(reader: VideoReader, result: Result, options: tuple[str, ...], asked: int) -> str:
    """The page.

    Args:
        reader: the video that the result is about.
        result: what the agent gave back.
        options: texts of the multiple choice, or none.
        asked: when, in seconds since 1970.

    Raises:
        VideoError: the video cannot be decoded.
    """
    return _template().render(
        policy=POLICY,
        result=result,
        asked=datetime.fromtimestamp(asked, UTC),
        options=list(zip(ascii_uppercase, options, strict=False)),
        strip=_data_uri("image/png", strip_png(reader, result)),
        stills=[(moment, list(_stills(reader, moment))) for moment in _localized(result)[:MOST_PICTURED]],
        bars=[_bar(candidate, result) for candidate in result.candidates],
        timings=[(name, seconds) for name, seconds in result.timings.items() if name != "total"],
        calls=[(call, _said(call, len(result.trace.grounded))) for call in result.trace.calls],
    )


def _localized(result: Result) -> tuple[Candidate, ...]:
    """The moments, if they are more than a guess."""
    return result.moments if result.localized else ()


def _stills(reader: VideoReader, moment: Candidate) -> Iterator[Still]:
    """From its beginning, its middle and its end; not from its very edges, which are the least certain."""
    for share in STILL_PLACES:
        time = moment.start + share * (moment.end - moment.start)
        yield Still(time, _data_uri("image/jpeg", frame_jpeg(reader, time, STILL_WIDTH)))


def _bar(candidate: Candidate, result: Result) -> Bar:
    left, right = (min(max(time / result.video.duration, 0.0), 1.0) for time in (candidate.start, candidate.end))
    return Bar(candidate, candidate in result.moments, 100 * left, max(100 * (right - left), 0.5))


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _exact(seconds: float) -> str:
    """Seconds as m:ss.t, so that short moments can be told apart."""
    tenths = round(10 * seconds)
    return f"{clock(tenths // 10)}.{tenths % 10}"


def _said(call: RoleCall, candidates: int) -> str:
    """What came of a call; a grounder's reply is only the word that its candidates are read off."""
    if call.role == "grounder":
        return f"{candidates} candidates"
    return f"{call.score:.2f}" if call.score is not None else _short(call.reply)


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= MOST_TEXT else f"{folded[:MOST_TEXT]} …"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": clock, "exact": _exact, "percent": percent, "short": _short}
    return environment.get_template("report.html")
