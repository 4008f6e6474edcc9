"""The files that prove an answer: the moment as a clip, a figure, the trace of everything that happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from videomind.cli.outputs import OutputFile, output_file
from videomind.errors import InputError
from videomind.results import Result
from videomind.roles.spans import widen_span

CLIP_SUFFIXES = (".mp4", ".mkv", ".mov")
PLOT_SUFFIXES = (".png",)
SHORTEST_CLIP = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where to write what; None = not asked for. Make one with `plan_evidence`."""

    trace: OutputFile | None
    clip: OutputFile | None
    plot: OutputFile | None

    def write(self, result: Result) -> Iterator[tuple[str, Path]]:
        """Writes what was asked for, and gives what was written where. Without a moment there is no clip."""
        if self.trace is not None:
            self.trace.write_json(result.trace.to_json())
            yield "trace", self.trace.path
        if self.clip is not None and result.moment is not None:
            save_clip(result, self.clip.path)
            yield "clip", self.clip.path
        if self.plot is not None:
            from videomind.vision.figure import plot_result
            from videomind.vision.reader import open_video

            with self.plot.replacing() as partial, open_video(result.video.path) as reader:
                plot_result(reader, result, partial)
            yield "plot", self.plot.path


def save_clip(result: Result, path: Path) -> None:
    """Writes the moment of a result as a video of its own; a moment of no length is widened to a second.

    Raises:
        VideoError: it cannot be written.
    """
    from videomind.vision.export import export_clip
    from videomind.vision.reader import open_video

    assert result.moment is not None, "there is no moment to cut out"
    start, end = widen_span(result.moment.start, result.moment.end, result.video.duration, SHORTEST_CLIP)
    with open_video(result.video.path) as reader:
        shown = reader.shown_at(start), reader.shown_at(end)
    export_clip(result.video.path, path, *shown)


def plan_evidence(
    video: Path, *, trace: Path | None = None, clip: Path | None = None, plot: Path | None = None
) -> Evidence:
    """Checks the files to write before anything is computed.

    Raises:
        InputError: one of them cannot be written, or a clip is asked for of a folder of frames.
    """
    if clip is not None and video.is_dir():
        raise InputError(f"--save-clip: {video} is a folder of frames: clips are cut from video files")
    return Evidence(
        trace=None if trace is None else output_file("--trace", trace, (".json",), inputs=(video,)),
        clip=None if clip is None else output_file("--save-clip", clip, CLIP_SUFFIXES, inputs=(video,)),
        plot=None if plot is None else output_file("--plot", plot, PLOT_SUFFIXES, inputs=(video,)),
    )
