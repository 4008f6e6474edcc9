"""Pictures of a result, whole in memory, ready to be sent."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from videomind.results import Result
from videomind.vision.base import VideoReader
from videomind.vision.canvas import blank, row
from videomind.vision.filmstrip import film_strip
from videomind.vision.timeline import draw_heading, draw_timeline, heading_height, timeline, timeline_height

JPEG_QUALITY = 82
POSTER_WIDTH = 640
"""Pixels, at most."""
POSTER_PLACES = (0.1, 0.3, 0.5)
"""Shares of the video where a poster is looked for."""


def strip_png(reader: VideoReader, result: Result) -> bytes:
    """Frames across the video, those of the moments framed.

    Raises:
        VideoError: the video cannot be decoded.
    """
    moments = [(moment.start, moment.end) for moment in result.moments]
    return _drawn(lambda out: film_strip(reader, out, moments))


def timeline_png(result: Result) -> bytes:
    """The question, and the candidates on the time axis."""
    return _drawn(lambda out: timeline(result, out))


def timeline_svg(result: Result) -> bytes:
    """As `timeline_png`, sharp at any size; its text is drawn as shapes, so it needs no font."""
    heading, lines = heading_height(result), timeline_height(result)
    figure, out = blank(heading + lines + 0.65), io.BytesIO()
    draw_heading(figure.add_axes(row(figure, 0.18, heading)), result)
    draw_timeline(figure.add_axes(row(figure, heading + 0.24, lines)), result)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def frame_jpeg(reader: VideoReader, seconds: float, width: int) -> bytes:
    """The frame at a time of the result, at most `width` pixels wide.

    Raises:
        VideoError: it cannot be decoded.
    """
    index = min(max(round(seconds * reader.fps), 0), reader.num_frames - 1)
    return _jpeg(reader.frames_at([index])[0], width)


def poster_jpeg(reader: VideoReader) -> bytes:
    """A frame that stands for the video: of some at the beginning and in the middle, the one with most contrast.

    Raises:
        VideoError: none can be decoded.
    """
    frames = reader.frames_at([int(share * (reader.num_frames - 1)) for share in POSTER_PLACES])
    return _jpeg(max(frames, key=lambda frame: float(frame.std())), POSTER_WIDTH)


def _jpeg(frame: np.ndarray, width: int) -> bytes:
    picture, out = Image.fromarray(frame), io.BytesIO()
    picture.thumbnail((width, 2 * width))
    picture.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return out.getvalue()


def _drawn(draw: Callable[[Path], None]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="videomind-") as folder:
        path = Path(folder) / "picture.png"
        draw(path)
        return path.read_bytes()
