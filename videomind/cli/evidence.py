"""The files that prove an answer: the moment as a clip, a figure, the trace of everything that happened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from videomind.cli.outputs import OutputFile, output_file
from videomind.results import Result

CLIP_SUFFIXES = (".mp4", ".mkv", ".mov")
PLOT_SUFFIXES = (".png",)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where to write what; None = not asked for. Make one with `plan_evidence`."""

    trace: OutputFile | None
    clip: OutputFile | None
    plot: OutputFile | None

    def write(self, result: Result) -> dict[str, Path]:
        """Writes what was asked for, and says what was written where. Without a moment there is no clip."""
        written: dict[str, Path] = {}
        if self.trace is not None:
            self.trace.write_json(result.trace.to_json())
            written["trace"] = self.trace.path
        if self.clip is not None and result.moment is not None:
            from videomind.vision.export import export_clip

            with self.clip.replacing() as partial:
                export_clip(result.video.path, result.moment.start, result.moment.end, partial)
            written["clip"] = self.clip.path
        if self.plot is not None:
            from videomind.vision.figures import plot_result

            with self.plot.replacing() as partial:
                plot_result(result, partial)
            written["plot"] = self.plot.path
        return written


def plan_evidence(
    video: Path, *, trace: Path | None = None, clip: Path | None = None, plot: Path | None = None
) -> Evidence:
    """Checks the files to write before anything is computed.

    Raises:
        InputError: one of them cannot be written.
    """
    return Evidence(
        trace=None if trace is None else output_file("--trace", trace, (".json",), inputs=(video,)),
        clip=None if clip is None else output_file("--save-clip", clip, CLIP_SUFFIXES, inputs=(video,)),
        plot=None if plot is None else output_file("--plot", plot, PLOT_SUFFIXES, inputs=(video,)),
    )
