"""A strip of frames across a video, on the scale of its time axis, with the moments framed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from videomind.vision.base import VideoReader
from videomind.vision.canvas import ACCENT, MARGIN, SOFT, WIDTH, blank, clock, row, save
from videomind.vision.resize import resize_frames

FRAME_HEIGHT = 1.15
"""Inches, about."""
GAP = 0.03
"""Space between two frames, as a share of a frame."""
Span = tuple[float, float]


def film_strip(reader: VideoReader, out: str | Path, moments: Sequence[Span] = ()) -> None:
    """Writes a picture (.png) of frames across the video; those of the moments (seconds) are framed.

    Raises:
        InputError: `out` is no .png, or cannot be written.
        VideoError: the video cannot be decoded.
    """
    height = strip_height(reader)
    figure = blank(height + 0.5)
    draw_film_strip(figure.add_axes(row(figure, 0.12, height)), reader, moments)
    save(figure, out)


def strip_height(reader: VideoReader) -> float:
    """Inches that the strip needs so that its frames keep their shape."""
    return _frame_width(reader) * reader.height / reader.width


def draw_film_strip(axes: Axes, reader: VideoReader, moments: Sequence[Span]) -> None:
    """Draws the strip into axes of `strip_height`; their x axis is the time in seconds."""
    slot = reader.duration / _count(reader)
    starts = [slot * number for number in range(_count(reader))]
    times = [_time_to_show(start, start + slot, moments) for start in starts]
    width = round(160 * _frame_width(reader))
    size = max(1, round(width * reader.height / reader.width)), width
    for start, time in zip(starts, times, strict=True):
        index = min(round(time * reader.fps), reader.num_frames - 1)
        frame = resize_frames(reader.frames_at([index]), *size)[0]
        left, right = start + slot * GAP, start + slot * (1 - GAP)
        inside = any(begin <= time <= end for begin, end in moments)
        axes.imshow(frame, extent=(left, right, 0, 1), aspect="auto", alpha=1.0 if inside or not moments else 0.6)
        if inside:
            axes.add_patch(
                Rectangle((left, 0), right - left, 1, fill=False, edgecolor=ACCENT, linewidth=3, clip_on=False)
            )
        axes.text(
            (left + right) / 2, -0.05, clock(time), ha="center", va="top", fontsize=8, color=ACCENT if inside else SOFT
        )
    axes.set(xlim=(0, reader.duration), ylim=(0, 1))
    axes.set_axis_off()


def _count(reader: VideoReader) -> int:
    fitting = round((WIDTH - 2 * MARGIN) * reader.height / (FRAME_HEIGHT * reader.width))
    return min(max(fitting, 3), 16)


def _frame_width(reader: VideoReader) -> float:
    return (WIDTH - 2 * MARGIN) / _count(reader)


def _time_to_show(start: float, end: float, moments: Sequence[Span]) -> float:
    """The middle of a slot; where a moment reaches into it, the middle of that part."""
    for moment in moments:
        if moment[0] < end and moment[1] > start:
            return (max(start, moment[0]) + min(end, moment[1])) / 2
    return (start + end) / 2
