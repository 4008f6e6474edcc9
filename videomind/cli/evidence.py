"""The files that prove an answer: the moment as a clip, a figure, the trace of everything that happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from videomind.cli.outputs import OutputFile, output_file
from videomind.errors import InputError
from videomind.results import Candidate, Result
from videomind.roles.spans import widen_span

CLIP_SUFFIXES = (".mp4", ".mkv", ".mov")
PLOT_SUFFIXES = (".png",)
SHORTEST_CLIP = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where to write what; None = not asked for. Make one with `plan_evidence`."""

    video: Path
    trace: OutputFile | None
    clip: OutputFile | None
    plot: OutputFile | None
    every: bool = False

    def write(self, result: Result) -> Iterator[tuple[str, Path]]:
        """Writes what was asked for, and gives what was written where. Without a moment there is no clip.

        Where every moment was asked for, each has a clip of its own, numbered by time: clip_1.mp4, clip_2.mp4, …

        Raises:
            InputError: a numbered clip would replace the video.
        """
        if self.trace is not None:
            self.trace.write_json(result.trace.to_json())
            yield "trace", self.trace.path
        if self.clip is not None:
            yield from self._write_clips(result, self.clip.path)
        if self.plot is not None:
            from videomind.vision.figure import plot_result
            from videomind.vision.reader import open_video

            with self.plot.replacing() as partial, open_video(result.video.path) as reader:
                plot_result(reader, result, partial)
            yield "plot", self.plot.path

    def _write_clips(self, result: Result, path: Path) -> Iterator[tuple[str, Path]]:
        if not self.every:
            if result.moment is not None:
                save_clip(result, result.moment, path)
                yield "clip", path
            return
        for number, moment in enumerate(sorted(result.moments, key=lambda m: m.start), start=1):
            numbered = _clip_file(path.with_stem(f"{path.stem}_{number}"), self.video).path
            save_clip(result, moment, numbered)
            yield f"clip {number}", numbered


def save_clip(result: Result, moment: Candidate, path: Path) -> None:
    """Writes a moment of a result as a video of its own; a moment of no length is widened to a second.

    Raises:
        VideoError: it cannot be written.
    """
    from videomind.vision.export import export_clip
    from videomind.vision.reader import open_video

    start, end = widen_span(moment.start, moment.end, result.video.duration, SHORTEST_CLIP)
    with open_video(result.video.path) as reader:
        shown = reader.shown_at(start), reader.shown_at(end)
    export_clip(result.video.path, path, *shown)


def plan_evidence(
    video: Path,
    *,
    trace: Path | None = None,
    clip: Path | None = None,
    plot: Path | None = None,
    every: bool = False,
) -> Evidence:
    """Checks the files to write before anything is computed.

    Args:
        video: the file asked about, which nothing may replace.
        trace: where everything that happened goes (.json).
        clip: where the moment goes; with `every` each moment goes to a numbered file beside it.
        plot: where the figure goes (.png).
        every: whether every moment is looked for.

    Raises:
        InputError: one of them cannot be written, or a clip is asked for of a folder of frames.
    """
    if clip is not None and video.is_dir():
        raise InputError(f"--save-clip: {video} is a folder of frames: clips are cut from video files")
    return Evidence(
        video=video,
        trace=None if trace is None else output_file("--trace", trace, (".json",), inputs=(video,)),
        clip=None if clip is None else _clip_file(clip, video),
        plot=None if plot is None else output_file("--plot", plot, PLOT_SUFFIXES, inputs=(video,)),
        every=every,
    )


def _clip_file(clip: Path, video: Path) -> OutputFile:
    return output_file("--save-clip", clip, CLIP_SUFFIXES, inputs=(video,))
