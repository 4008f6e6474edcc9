"""A question by itself, so that many can be asked about one video at once (`Agent.ask_many`)."""

from __future__ import annotations

from dataclasses import dataclass

from videomind.errors import InputError
from videomind.results import STANDARD_PROTOCOL, Protocol
from videomind.roles.long import Long
from videomind.vision.subtitles import Cue

FINDERS = frozenset({"grounder", "verifier"})
"""The roles that find a moment."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a video.

    Attributes:
        text: the question, or for grounding alone the query.
        options: texts of a multiple choice (2 to 26), used as they are, as benchmarks write them.
        subtitles: cues of the video.
        roles: the roles that may be called; None = all that the model has.
        every: give back every moment that matches.
        protocol: what a benchmark fixes about how it is asked.
        long: how to look for the moment in a video that is longer than a view holds (`Agent.stream`).
    """

    text: str
    options: tuple[str, ...] = ()
    subtitles: tuple[Cue, ...] = ()
    roles: frozenset[str] | None = None
    every: bool = False
    protocol: Protocol = STANDARD_PROTOCOL
    long: Long = "auto"


def check_top_k(top_k: int) -> None:
    """Raises:
    InputError: no candidate is asked for.
    """
    if top_k < 1:
        raise InputError(f"top_k is {top_k}: ask for at least one candidate")
