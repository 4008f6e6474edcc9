"""A question as a server takes it, and what of its stream tells of the chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videomind.errors import InputError

if TYPE_CHECKING:
    from videomind.engines.base import Service
    from videomind.vision.subtitles import Cue

MODEL = "videomind"
ALL = 100
"""Candidates to give back where the caller names no number; no grounder gives more."""
_OF_THE_QUEUE = frozenset({"queued", "started"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One question; meanings as in `Agent.stream`.

    Attributes:
        subtitles: text of an SRT file.
        top_k: how many candidates to give back.
        answerer: name of an answerer adapter of the server.
    """

    question: str
    options: tuple[str, ...] = ()
    subtitles: str | None = None
    roles: tuple[str, ...] | None = None
    every: bool = False
    top_k: int = ALL
    answerer: str | None = None

    def body(self, url: str) -> dict[str, Any]:
        """The request, in OpenAI's form with our field beside it.

        Args:
            url: what stands for the video.
        """
        content = [{"type": "video_url", "video_url": {"url": url}}, {"type": "text", "text": self.question}]
        extra = {
            "options": list(self.options) or None,
            "subtitles": self.subtitles,
            "roles": None if self.roles is None else list(self.roles),
            "every": self.every,
            "top_k": self.top_k,
            "answerer": self.answerer,
        }
        return {
            "model": MODEL,
            "messages": [{"role": "user", "content": content}],
            "stream": True,
            "videomind": {name: value for name, value in extra.items() if value is not None},
        }


def asked(
    question: str,
    options: Sequence[str] | None,
    subtitles: str | Path | Sequence[Cue] | None,
    roles: Iterable[str] | None,
    every: bool,
    service: Service | None,
    top_k: int = ALL,
) -> Asked:
    """The arguments of `Agent.stream` as one question.

    Raises:
        InputError: the server itself decides on priority and on whose KV is shared.
        SubtitleError: the subtitle file cannot be read.
    """
    if service is not None and (service.priority or service.salt):
        raise InputError("priority and salt are the server's to choose: leave them out")
    return Asked(
        question=question,
        options=tuple(options or ()),
        subtitles=_srt(subtitles),
        roles=None if roles is None else tuple(roles),
        every=every,
        top_k=top_k,
        answerer=None if service is None else service.answerer,
    )


def told_by(chunk: Mapping[str, Any]) -> dict[str, Any] | None:
    """The event of the chain that a chunk of the stream carries; None of its place in the queue, and of mere text."""
    told: dict[str, Any] | None = chunk.get("videomind")
    return None if not told or told.get("event") in _OF_THE_QUEUE else told


def _srt(subtitles: str | Path | Sequence[Cue] | None) -> str | None:
    if subtitles is None:
        return None
    import pysubs2

    from videomind.vision.subtitles import load_subtitles

    file = pysubs2.SSAFile()
    for cue in load_subtitles(subtitles) if isinstance(subtitles, str | Path) else subtitles:
        event = pysubs2.SSAEvent(start=round(1000 * cue.start), end=round(1000 * cue.end))
        event.plaintext = cue.text
        file.append(event)
    return str(file.to_string("srt"))
