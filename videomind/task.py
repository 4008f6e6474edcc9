"""What is asked of one video, as the chain takes it."""

from __future__ import annotations

from dataclasses import dataclass

from videomind.engines.base import STANDARD, Service
from videomind.results import STANDARD_PROTOCOL, Protocol
from videomind.roles.long import Long
from videomind.vision.subtitles import Cue


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of one video.

    Attributes:
        question: the question, or for grounding alone the query.
        options: texts of a multiple choice, or none.
        cues: subtitles of the video.
        roles: the roles that may be called.
        every: look for every moment that matches, not for the best alone.
        compat: follow the published code also where it slips, and where it finds something in any video.
        service: how its requests are served among others.
        protocol: what a benchmark fixes about how it is asked.
        long: how to look for the moment in a video that is longer than a view holds.
    """

    question: str
    options: tuple[str, ...] = ()
    cues: tuple[Cue, ...] = ()
    roles: frozenset[str] = frozenset()
    every: bool = False
    compat: bool = False
    service: Service = STANDARD
    protocol: Protocol = STANDARD_PROTOCOL
    long: Long = "auto"
