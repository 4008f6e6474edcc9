"""Cutting a moment out of a video file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from videomind.errors import InputError, VideoError
from videomind.vision.export_copy import copy_span
from videomind.vision.export_encode import encode_span
from videomind.vision.probe import Probe, probe
from videomind.vision.stream import UNREADABLE

SUFFIXES = (".mp4", ".mov", ".mkv")
TOLERANCE = 0.1
"""Seconds by which a copied clip may start off the wanted time."""


def export_clip(source_path: str | Path, out_path: str | Path, start: float, end: float) -> None:
    """Writes the part from `start` to `end` (seconds) of a video, with its sound, as a file of its own.

    Where a keyframe lies within 0.1 s of the start, the streams are copied as they are; else they are encoded
    again, as H.264 and AAC. The file appears under its name only when it is complete.

    Args:
        source_path: a video file.
        out_path: the clip: .mp4, .mov or .mkv. An existing file is replaced.
        start: seconds from the first frame.
        end: seconds; what lies beyond the end of the video is left out.

    Raises:
        InputError: the span is empty or outside the video, or the clip's suffix is none of those.
        VideoError: the source cannot be read, or the clip cannot be written.
    """
    source, out = Path(source_path), Path(out_path)
    if out.suffix.lower() not in SUFFIXES:
        raise InputError(f"{out}: clips are written as {', '.join(SUFFIXES)}; give a name that ends so")
    if not source.is_file():
        raise VideoError(f"{source}: no such file; give the path of a video file")
    probed = probe(source)
    index = probed.index
    if not 0 <= start < min(end, index.end):
        raise InputError(
            f"{source}: {start:.3f} to {end:.3f} s is no span of it; "
            f"give a start before an end, within 0 to {index.end:.3f} s"
        )
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".clip-") as folder:
            part = Path(folder) / f"clip{out.suffix.lower()}"
            _write(source, part, probed, start, end)
            os.replace(part, out)
    except UNREADABLE as error:
        raise VideoError(f"{out}: the clip cannot be written ({error}); try another folder or name") from None


def _write(source: Path, part: Path, probed: Probe, start: float, end: float) -> None:
    index = probed.index
    key = index.pts[0] + min((index.keys - index.pts[0]).tolist(), key=lambda k: abs(k * index.tick - start))
    offset = (key - index.pts[0]) * index.tick
    if abs(offset - start) <= TOLERANCE and index.closed and offset < end:
        try:
            return copy_span(source, part, offset, end)
        except UNREADABLE:  # for instance a codec that the new container cannot hold
            part.unlink(missing_ok=True)
    return encode_span(source, part, (probed.width, probed.height), start, end)
