"""The candidates of an answer on the time axis of the video, best first, with their scores."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from videomind.results import Candidate, Result
from videomind.vision.canvas import ACCENT, INK, OTHER, PALE, SOFT, blank, clock, lines_of, row, save

LINE_HEIGHT = 0.26
"""Inches of one line of the question."""
ROW_HEIGHT = 0.3
"""Inches of one candidate."""
MOST_ROWS = 8
LABEL_SHARE = 0.33
"""Of the axis, that a label takes; where neither side of a bar has as much room, it stands inside."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""Seconds from tick to tick; the first that gives at most twelve is taken."""


def timeline(result: Result, out: str | Path) -> None:
    """Writes a picture (.png): the question, and below it the candidates with confidence and verifier score.

    Raises:
        InputError: `out` is no .png, or cannot be written.
    """
    height = timeline_height(result)
    heading = heading_height(result)
    figure = blank(heading + height + 0.65)
    draw_heading(figure.add_axes(row(figure, 0.18, heading)), result)
    draw_timeline(figure.add_axes(row(figure, heading + 0.24, height)), result)
    save(figure, out)


def timeline_height(result: Result) -> float:
    """Inches that the timeline needs."""
    return ROW_HEIGHT * max(1, len(_shown(result)))


def heading_height(result: Result) -> float:
    """Inches that question and answer need."""
    return LINE_HEIGHT * len(_question(result)) + (0.3 if result.answer is not None else 0.08)


def draw_heading(axes: Axes, result: Result) -> None:
    """Writes the question, and the answer below it, into axes of `heading_height`."""
    axes.set_axis_off()
    axes.set(ylim=(heading_height(result), 0))
    for place, line in enumerate(_question(result)):
        axes.text(0, LINE_HEIGHT * place, line, va="top", fontsize=13, weight="bold", color=INK, parse_math=False)
    if result.answer is not None:
        below = LINE_HEIGHT * len(_question(result)) + 0.03
        answer = "".join(lines_of(result.answer.text, 125, 1))
        axes.text(0, below, answer, va="top", fontsize=10.5, color=SOFT, parse_math=False)


def draw_timeline(axes: Axes, result: Result) -> None:
    """Draws the candidates into axes of `timeline_height`; their x axis is the time in seconds."""
    shown = _shown(result)
    for place, candidate in enumerate(shown):
        _draw_bar(axes, place, candidate, result)
    if not shown:
        axes.text(0.5, 0.5, "no moment was looked for", transform=axes.transAxes, ha="center", va="center", color=SOFT)
    axes.set(xlim=(0, result.video.duration), ylim=(max(1, len(shown)) - 0.5, -0.5), yticks=[])
    step = next((step for step in STEPS if result.video.duration <= 12 * step), STEPS[-1])
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
    axes.tick_params(axis="x", colors=SOFT, labelsize=9, length=3)
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(SOFT)


def _question(result: Result) -> list[str]:
    return lines_of(result.question, 88, 2)


def _shown(result: Result) -> tuple[Candidate, ...]:
    return result.candidates[:MOST_ROWS]


def _draw_bar(axes: Axes, place: int, candidate: Candidate, result: Result) -> None:
    duration = result.video.duration
    chosen = candidate == result.moment
    colour = ACCENT if chosen else OTHER
    axes.barh(place, duration, height=0.62, color=PALE, zorder=0)
    least = duration * 0.003
    axes.barh(place, max(candidate.end - candidate.start, least), left=candidate.start, height=0.62, color=colour)
    text = f"{clock(candidate.start)} to {clock(candidate.end)}   confidence {candidate.confidence:.2f}"
    if candidate.verified is not None:
        text += f"   verified {candidate.verified:.2f}"
    right, left = duration - candidate.end, candidate.start
    inside = max(left, right) < LABEL_SHARE * duration
    at_start = inside or left > right
    axes.annotate(
        text,
        (candidate.start if at_start else candidate.end, place),
        xytext=(-6 if at_start and not inside else 6, 0),
        textcoords="offset points",
        ha="right" if at_start and not inside else "left",
        va="center_baseline",
        fontsize=8.5,
        color="white" if inside else INK if chosen else SOFT,
        weight="bold" if chosen else "normal",
    )
