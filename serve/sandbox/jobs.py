"""What is done once with a file from outside, in a process for this alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.process import Confined, Done
from videomind.serve.sandbox.reader import SandboxedReader
from videomind.serve.store.blobs import MAKING
from videomind.serve.store.library import MediaInfo

ENCODING = 3.0
"""Seconds of computing that a second of video may take to be encoded anew, besides what reading may take."""


def probe_video(path: Path, limits: Limits, name: str | None = None) -> MediaInfo:
    """What a file is, once one frame of it has been decoded.

    Args:
        path: the file.
        limits: what it may cost.
        name: what people call it, for errors; by default the name of the file.

    Raises:
        VideoError: it is no video that is taken, or takes too long or too much memory. The text has no path.
    """
    with closing(SandboxedReader(path, limits, name)) as reader:
        return MediaInfo(**reader.facts.model_dump())


def export_clip(path: Path, out: Path, start: float, end: float, limits: Limits, name: str | None = None) -> None:
    """As `videomind.vision.export.export_clip`; `limits` and `name` as in `probe_video`.

    Raises:
        VideoError: as there, or the span is none of it; or it takes more than the limits allow. The text has no path.
    """
    with _written(path, out, limits, name) as (process, part):
        process.ask(Done, "clip", out=str(part), start=start, end=end)


def make_playable(path: Path, out: Path, limits: Limits, name: str | None = None) -> None:
    """Writes a copy that browsers play: H.264 and AAC in .mp4, index in front; at most 1280 pixels wide if encoded.

    Time limits are widened by the duration of the video; `name` as in `probe_video`.

    Raises:
        VideoError: it cannot be read, or takes more than the limits allow. The text has no path.
    """
    more = ENCODING * probe_video(path, limits, name).duration
    wider = replace(limits, cpu_s=limits.cpu_s + more, wall_s=limits.wall_s + more)
    with _written(path, out, wider, name) as (process, part):
        process.ask(Done, "playable", out=str(part))


@contextmanager
def _written(path: Path, out: Path, limits: Limits, name: str | None) -> Iterator[tuple[Confined, Path]]:
    """A process that may write, and where; what it wrote takes its place at the end, and leaves nothing else."""
    with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=MAKING) as folder:
        part = Path(folder) / f"new{out.suffix}"
        with Confined(limits, path.name, path, Path(folder)) as process:
            yield process, part
        os.replace(part, out)
