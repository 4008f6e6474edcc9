"""DiDeMo (Hendricks et al. 2017): a JSON list; times are numbers of 5-second segments, the last one included."""

from __future__ import annotations

from pathlib import PurePosixPath

SEGMENT = 5.0
"""Seconds."""


def file_names(video: str) -> tuple[str, ...]:
    """What the file of a video may be called: with the suffix it is listed with, or another; the last has none."""
    name = PurePosixPath(video).name
    return tuple(dict.fromkeys((name, PurePosixPath(video).stem, name.split(".")[0])))
