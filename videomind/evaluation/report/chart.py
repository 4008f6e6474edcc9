"""Plots as SVG text, drawn in the colours of the page that holds them (light or dark)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 400, 236
LEFT, RIGHT, TOP, BOTTOM = 42, 10, 8, 42
"""Space around the plot, for labels."""
GAP = 0.22
"""Share of a slot that is left free between groups of bars."""
WIDEST = 36
"""Of a bar."""
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""On an axis from 0 to 1."""
COLOURS = 6
"""Runs beyond it take the colours again from the first."""


class Series(NamedTuple):
    """What one run adds to a plot.

    Attributes:
        colour: number of the run.
        name: of the run.
        values: one (0 to 1) per place; None = nothing there.
        notes: what is said of each place where one points at it.
    """

    colour: int
    name: str
    values: Sequence[float | None]
    notes: Sequence[str] = ()


class Cloud(NamedTuple):
    """The points of one run: number and name of the run, and pairs (x, y), both from 0 to 1."""

    colour: int
    name: str
    pairs: Sequence[tuple[float, float]]


def bars(series: Sequence[Series], labels: Sequence[str], x_title: str, y_title: str) -> str:
    """Bars beside each other, one group per label."""
    slot = (WIDTH - LEFT - RIGHT) / len(labels)
    width = min(slot * (1 - GAP) / len(series), WIDEST)
    top = _nice_top(series)
    parts = [
        _grid(top, y_title),
        _labels([LEFT + slot * (place + 0.5) for place in range(len(labels))], labels, x_title),
    ]
    for number, one in enumerate(series):
        for place, value in enumerate(one.values):
            if value is None:
                continue
            x = LEFT + slot * (place + 0.5) + (number - len(series) / 2) * width
            y = _y(value, top)
            note = one.notes[place] if one.notes else f"{100 * value:.1f} %"
            parts.append(
                f'<rect class="{_class(one.colour)}" x="{x:.1f}" y="{y:.1f}" width="{max(1.0, width - 1):.1f}" '
                f'height="{HEIGHT - BOTTOM - y:.1f}" rx="1.5"><title>{escape(f"{one.name}: {labels[place]}: {note}")}'
                "</title></rect>"
            )
    return _svg(parts, f"{y_title} by {x_title}")


def lines(series: Sequence[Series], x: Sequence[float], x_title: str, y_title: str, diagonal: bool = False) -> str:
    """Lines over x from 0 to 1; places without a value are left out. `diagonal`: with the line on which y is x."""
    parts = [_grid(1.0, y_title), _labels([_x(tick) for tick in TICKS], [f"{tick:g}" for tick in TICKS], x_title)]
    if diagonal:
        parts.append(_GUIDE)
    for one in series:
        places = [(at, value) for at, value in zip(x, one.values, strict=True) if value is not None]
        points = " ".join(f"{_x(at):.1f},{_y(value, 1):.1f}" for at, value in places)
        parts.append(
            f'<polyline class="{_class(one.colour)}" points="{points}"><title>{escape(one.name)}</title></polyline>'
        )
        if one.notes:
            notes = [note for note, value in zip(one.notes, one.values, strict=True) if value is not None]
            parts += [
                f'<circle class="{_class(one.colour)}" cx="{_x(at):.1f}" cy="{_y(value, 1):.1f}" r="3.5">'
                f"<title>{escape(f'{one.name}: {note}')}</title></circle>"
                for (at, value), note in zip(places, notes, strict=True)
            ]
    return _svg(parts, f"{y_title} by {x_title}")


def dots(clouds: Sequence[Cloud], x_title: str, y_title: str) -> str:
    """A point per pair, with the line on which both are equal."""
    parts = [
        _grid(1.0, y_title),
        _labels([_x(tick) for tick in TICKS], [f"{tick:g}" for tick in TICKS], x_title),
        _GUIDE,
    ]
    for one in clouds:
        circles = "".join(f'<circle cx="{_x(x):.1f}" cy="{_y(y, 1):.1f}" r="3"/>' for x, y in one.pairs)
        parts.append(f'<g class="{_class(one.colour)} faint"><title>{escape(one.name)}</title>{circles}</g>')
    return _svg(parts, f"{y_title} against {x_title}")


def _svg(parts: Sequence[str], what: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(what)}">{"".join(parts)}</svg>'


def _grid(top: float, title: str) -> str:
    ticks = [top * number / 5 for number in range(6)]
    rows = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_y(tick, top):.1f}" y2="{_y(tick, top):.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{_y(tick, top) + 3.5:.1f}" text-anchor="end">{100 * tick:.0f}</text>'
        for tick in ticks
    )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return rows + (
        f'<text class="axis" transform="translate(11 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(title)}</text>"
    )


def _labels(places: Sequence[float], labels: Sequence[str], title: str) -> str:
    below = "".join(
        f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{escape(label)}</text>'
        for x, label in zip(places, labels, strict=True)
    )
    middle = (LEFT + WIDTH - RIGHT) / 2
    return below + f'<text class="axis" x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(title)}</text>'


def _nice_top(series: Sequence[Series]) -> float:
    """The end of the axis of values: the smallest of a few round numbers that holds all."""
    highest = max((value for one in series for value in one.values if value is not None), default=0.0)
    return next((top for top in (0.05, 0.1, 0.25, 0.5) if highest <= top), 1.0)


def _x(value: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value, top) / top


def _class(colour: int) -> str:
    return f"run{colour % COLOURS}"


_GUIDE = f'<line class="guide" x1="{_x(0)}" y1="{_y(0, 1)}" x2="{_x(1)}" y2="{_y(1, 1)}"/>'
"""The line on which y is x."""
