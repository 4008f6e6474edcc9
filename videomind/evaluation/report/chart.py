"""Plots drawn by matplotlib, as pictures that a page holds; their colours suit light and dark paper."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from typing import NamedTuple

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from videomind.evaluation.report.style import SOFT, run_colour

WIDTH, HEIGHT = 400, 236
"""In points; the page decides how large one is."""
FULL = 0.78
"""Share of its slot that a group of bars takes."""
WIDEST = 0.1
"""Of a bar, as a share of all slots."""
MOST_MARKS = 20
"""A line over more places has no mark at each of them."""
LOOK = {
    "svg.fonttype": "none",
    "svg.hashsalt": "videomind",  # the same plot is the same bytes
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 12,
    "axes.labelsize": "medium",
    "axes.labelpad": 6,
    "axes.labelcolor": SOFT,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "xtick.bottom": False,
    "ytick.left": False,
    "figure.frameon": False,
    "axes.facecolor": "none",
    "axes.spines.left": False,
    "axes.spines.bottom": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": SOFT,
    "grid.alpha": 0.25,
    "lines.linewidth": 2.2,
    "lines.markeredgewidth": 0.0,
}


class Series(NamedTuple):
    """What one run adds to a plot: number of the run, and a value (0 to 1) per place; None = nothing there."""

    run: int
    values: Sequence[float | None]


class Cloud(NamedTuple):
    """The points of one run: number of the run, and pairs (x, y), both from 0 to 1."""

    run: int
    pairs: Sequence[tuple[float, float]]


def bars(series: Sequence[Series], labels: Sequence[str], x_title: str, y_title: str) -> str:
    """Bars beside each other, one group per label."""
    with _look():
        figure = _figure(x_title, y_title)
        width = min(FULL / len(series), WIDEST * len(labels))
        slots = np.arange(len(labels), dtype=np.float64)
        for number, one in enumerate(series):
            places, values = _there(slots + (number - (len(series) - 1) / 2) * width, one)
            figure.gca().bar(places, values, 0.94 * width, color=run_colour(one.run))
        highest = max((value for one in series for value in one.values if value is not None), default=0.0)
        ticks = MaxNLocator(5, steps=(1, 2, 5, 10)).tick_values(0, 100 * highest or 100)
        figure.gca().set(xlim=(-0.5, len(labels) - 0.5), ylim=(0, ticks[-1]), yticks=ticks)
        figure.gca().set_xticks(slots, labels)
        return _uri(figure)


def lines(series: Sequence[Series], x: Sequence[float], x_title: str, y_title: str, diagonal: bool = False) -> str:
    """Lines over x from 0 to 1; places without a value are left out. `diagonal`: with the line on which y is x."""
    with _look():
        figure = _figure(x_title, y_title)
        if diagonal:
            _diagonal(figure)
        for one in series:
            mark = "o" if len(x) <= MOST_MARKS else ""
            figure.gca().plot(*_there(np.array(x), one), marker=mark, color=run_colour(one.run), clip_on=False)
        figure.gca().set(xlim=(0, 1), ylim=(0, 100))
        return _uri(figure)


def dots(clouds: Sequence[Cloud], x_title: str, y_title: str) -> str:
    """A point per pair, with the line on which both are equal."""
    with _look():
        figure = _figure(x_title, y_title)
        _diagonal(figure)
        for one in clouds:
            x, y = np.array(one.pairs, dtype=np.float64).reshape(-1, 2).T
            figure.gca().plot(x, 100 * y, "o", color=run_colour(one.run), alpha=0.4, clip_on=False)
        figure.gca().set(xlim=(0, 1), ylim=(0, 100))
        return _uri(figure)


def _look() -> AbstractContextManager[None]:
    """How all plots look, whatever the user's own settings of matplotlib say."""
    context: AbstractContextManager[None] = style.context(LOOK, after_reset=True)
    return context


def _figure(x_title: str, y_title: str) -> Figure:
    """With axes on which nothing is drawn yet."""
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), layout="constrained")
    figure.add_subplot(xlabel=x_title, ylabel=y_title)
    return figure


def _diagonal(figure: Figure) -> None:
    figure.gca().plot([0, 1], [0, 100], color=SOFT, linestyle=(0, (4, 4)), linewidth=1, alpha=0.7)


def _there(places: NDArray[np.float64], one: Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The places that have a value, and their values in percent."""
    values = 100 * np.array(one.values, dtype=np.float64)
    return places[~np.isnan(values)], values[~np.isnan(values)]


def _uri(figure: Figure) -> str:
    """The figure as a data URI of SVG."""
    file = BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + b64encode(file.getvalue()).decode()
