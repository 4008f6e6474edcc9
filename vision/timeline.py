"""The candidates of an answer on the time axis of the video, best first, with their scores; several moments by time."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from videomind.results import Candidate, Result, percent
from videomind.vision.canvas import ACCENT, INK, OTHER, PALE, SOFT, blank, clock, lines_of, row, save

LINE_HEIGHT = 0.26
"""Inches of one line of the question."""
ROW_HEIGHT = 0.3
"""Inches of one candidate."""
MOST_ROWS = 8
"""Of candidates; moments are all shown."""
CHARACTER = 0.0072
"""Share of the axis that a character of a label takes."""
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
    return LINE_HEIGHT * len(_question(result)) + (0.3 if _outcome(result) else 0.08)


def draw_heading(axes: Axes, result: Result) -> None:
    """Writes the question, and below it the answer or that there is none, into axes of `heading_height`."""
    axes.set_axis_off()
    axes.set(ylim=(heading_height(result), 0))
    for place, line in enumerate(_question(result)):
        axes.text(0, LINE_HEIGHT * place, line, va="top", fontsize=13, weight="bold", color=INK, parse_math=False)
    below = LINE_HEIGHT * len(_question(result)) + 0.03
    axes.text(0, below, _outcome(result), va="top", fontsize=10.5, color=SOFT, parse_math=False)


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


def _outcome(result: Result) -> str:
    """The answer in one line, or that the moment is not in the video, or both (a forced choice); "" = neither."""
    said = lines_of(result.answer.text, 100, 1) if result.answer is not None else []
    if result.absent and result.presence is not None:
        forced = said if result.answer is not None and result.answer.option is not None else []
        said = [*forced, f"not in this video (probability {percent(result.presence)}): these candidates are rejected"]
    return "   ".join(said)


def _shown(result: Result) -> tuple[Candidate, ...]:
    """One moment stands before the other candidates, best first; of several all are shown, by time, and no others."""
    if len(result.moments) > 1:
        return tuple(sorted(result.moments, key=lambda moment: moment.start))
    others = (candidate for candidate in result.candidates if candidate not in result.moments)
    return (*result.moments, *others)[:MOST_ROWS]


def _draw_bar(axes: Axes, place: int, candidate: Candidate, result: Result) -> None:
    duration, chosen = result.video.duration, candidate in result.moments
    axes.barh(place, duration, height=0.62, color=PALE, zorder=0)
    width = max(candidate.end - candidate.start, duration * 0.003)
    axes.barh(place, width, left=candidate.start, height=0.62, color=ACCENT if chosen else OTHER)
    label = _label(candidate)
    where = _place_label(candidate, duration, len(label) * CHARACTER * duration)
    axes.annotate(
        label,
        (where.time, place),
        xytext=(-6 if where.leftwards else 6, 0),
        textcoords="offset points",
        ha="right" if where.leftwards else "left",
        va="center_baseline",
        fontsize=8.5,
        color="white" if where.inside else INK if chosen else SOFT,
        weight="bold" if chosen else "normal",
    )


def _label(candidate: Candidate) -> str:
    parts = [f"{clock(candidate.start)} to {clock(candidate.end)}", f"confidence {candidate.confidence:.2f}"]
    if candidate.verified is not None:
        parts.append(f"verified {candidate.verified:.2f}")
    if candidate.probability is not None:
        parts.append(f"{percent(candidate.probability)} likely")
    return "   ".join(parts)


class _LabelPlace(NamedTuple):
    """Where a label begins, whether it runs to the left from there, and whether it stands in the bar."""

    time: float
    leftwards: bool
    inside: bool = False


def _place_label(candidate: Candidate, duration: float, needed: float) -> _LabelPlace:
    """Beside the bar where there is more room, else in the bar, else at the edge and partly over the bar (seconds)."""
    left, right = candidate.start, duration - candidate.end
    if max(left, right) >= needed:
        return _LabelPlace(candidate.start if left > right else candidate.end, leftwards=left > right)
    if candidate.end - candidate.start >= needed:
        return _LabelPlace(candidate.start, leftwards=False, inside=True)
    return _LabelPlace(0.0 if left > right else duration, leftwards=left <= right)
