"""Charades-STA (Gao et al. 2017): lines "<video> <start> <end>##<sentence>", in seconds."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """What a line says.

    Attributes:
        video: id of the video.
        span: start and end in seconds, as annotated.
        sentence: what happens.
    """

    video: str
    span: tuple[float, float]
    sentence: str


def parse(line: bytes | None) -> Line:
    """The parts of a line.

    Raises:
        ValueError: it is too long, or not laid out so.
    """
    if line is None:
        raise ValueError("it is too long")
    where, mark, sentence = line.decode().partition("##")
    words = where.split()
    if not mark or len(words) != 3:
        raise ValueError('it is not "<video> <start> <end>##<sentence>"')
    video, start, end = words
    return Line(video, (float(start), float(end)), sentence)
