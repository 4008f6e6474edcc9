"""What the pictures have in common: colours, sizes, clock times, and saving without matplotlib's global state."""

from __future__ import annotations

import textwrap
import warnings
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from videomind.errors import InputError

WIDTH = 11.0
"""Inches."""
MARGIN = 0.35
"""Inches to the left and right of the time axis."""
INK, SOFT, PALE, ACCENT, OTHER = "#1c2733", "#6b7a89", "#eef1f5", "#e8590c", "#8fa8c8"


def blank(height: float) -> Figure:
    """An empty white figure, `height` inches high."""
    figure = Figure(figsize=(WIDTH, height), dpi=160, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def row(figure: Figure, top: float, height: float) -> tuple[float, float, float, float]:
    """The place of axes that begin `top` inches below the upper edge, as matplotlib wants it."""
    total = figure.get_figheight()
    return (MARGIN / WIDTH, 1 - (top + height) / total, 1 - 2 * MARGIN / WIDTH, height / total)


def save(figure: Figure, out: str | Path) -> None:
    """Writes a PNG.

    Raises:
        InputError: the name does not end in .png, or the folder cannot be written to.
    """
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: pictures are written as .png; give a name that ends so")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(path, format="png")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a folder that can be written to") from None


def clock(seconds: float) -> str:
    """Seconds as m:ss, from an hour on as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lines_of(text: str, width: int, most: int) -> list[str]:
    """The text in lines of at most `width` characters; what goes beyond `most` lines is cut with "…"."""
    return textwrap.wrap(text, width, max_lines=most, placeholder=" …")
