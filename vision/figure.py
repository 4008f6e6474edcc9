"""One picture of an answer and its evidence: the question, the film strip, the candidates below on one time axis."""

from __future__ import annotations

from pathlib import Path

from videomind.results import Result
from videomind.vision.base import VideoReader
from videomind.vision.canvas import ACCENT, blank, row, save
from videomind.vision.filmstrip import draw_film_strip, strip_height
from videomind.vision.timeline import draw_heading, draw_timeline, heading_height, timeline_height


def plot_result(reader: VideoReader, result: Result, out: str | Path) -> None:
    """Writes a picture (.png) of a result: question and answer, frames across the video, candidates with scores.

    Args:
        reader: the video that the result is about.
        result: what the agent gave back.
        out: the picture.

    Raises:
        InputError: `out` is no .png, or cannot be written.
        VideoError: the video cannot be decoded.
    """
    moments = [(moment.start, moment.end) for moment in result.moments]
    heading, strip, lines = heading_height(result), strip_height(reader), timeline_height(result)
    figure = blank(heading + strip + lines + 1.1)
    draw_heading(figure.add_axes(row(figure, 0.18, heading)), result)
    draw_film_strip(figure.add_axes(row(figure, heading + 0.28, strip)), reader, moments)
    axes = figure.add_axes(row(figure, heading + strip + 0.66, lines))
    for moment in moments:
        axes.axvspan(*moment, color=ACCENT, alpha=0.12, linewidth=0, zorder=0.5)
    draw_timeline(axes, result)
    save(figure, out)
