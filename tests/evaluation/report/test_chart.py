"""Plots: where bars, lines and points stand, read off the SVG."""

from __future__ import annotations

import base64
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import NamedTuple

import matplotlib
import pytest

from videomind.evaluation.report.chart import Cloud, Series, bars, dots, lines
from videomind.evaluation.report.style import RUN_COLOURS, SOFT, run_colour

SVG = "{http://www.w3.org/2000/svg}"
GRID = f"stroke: {SOFT}; stroke-opacity: 0.25"
DIAGONAL = f"stroke: {SOFT}; stroke-opacity: 0.7"


class Box(NamedTuple):
    """What a path covers, in the units of the drawing."""

    left: float
    right: float
    top: float
    bottom: float


def corners(path: ET.Element) -> list[tuple[float, float]]:
    numbers = [float(word) for word in path.attrib["d"].split() if not word.isalpha()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def box(path: ET.Element) -> Box:
    x, y = zip(*corners(path), strict=True)
    return Box(min(x), max(x), min(y), max(y))


def parsed(picture: str) -> ET.Element:
    kind, _, content = picture.partition(";base64,")
    assert kind == "data:image/svg+xml"
    return ET.fromstring(base64.b64decode(content))


def drawn(picture: str, tag: str, style: str) -> list[ET.Element]:
    return [one for one in parsed(picture).iter(f"{SVG}{tag}") if style in one.get("style", "")]


def words(picture: str) -> dict[str, ET.Element]:
    return {one.text or "": one for one in parsed(picture).iter(f"{SVG}text")}


def axes(svg: str) -> Box:
    """From the first to the last line of the grid."""
    boxes = [box(one) for one in drawn(svg, "path", GRID)]
    return Box(boxes[0].left, boxes[0].right, boxes[-1].top, boxes[0].bottom)


def marks(svg: str, colour: str) -> list[tuple[float, float]]:
    """Where points stand, as shares of the axes."""
    plot = axes(svg)
    return [
        (
            round((float(one.attrib["x"]) - plot.left) / (plot.right - plot.left), 3),
            round((plot.bottom - float(one.attrib["y"])) / (plot.bottom - plot.top), 3),
        )
        for one in drawn(svg, "use", colour)
    ]


def test_groups_of_bars_stand_around_their_labels() -> None:
    svg = bars([Series(0, [0.5, None]), Series(1, [1.0, 0.25])], ["x", "y"], "what", "share")
    (first,) = map(box, drawn(svg, "path", run_colour(0)))
    second, third = map(box, drawn(svg, "path", run_colour(1)))
    assert (first.left + second.right) / 2 == pytest.approx(float(words(svg)["x"].attrib["x"]))
    assert second.left < float(words(svg)["y"].attrib["x"]) < third.left
    height = axes(svg).bottom - axes(svg).top
    assert [one.bottom - one.top for one in (first, second, third)] == pytest.approx(
        [height * share for share in (0.5, 1.0, 0.25)], abs=1e-3
    )


@pytest.mark.parametrize(("highest", "ticks"), [(0.05, "012345"), (0.62, "020406080"), (0.0, "020406080100")])
def test_the_axis_ends_at_a_round_number_of_percent_near_the_highest_bar(highest: float, ticks: str) -> None:
    svg = bars([Series(0, [None, highest])], ["x", "y"], "what", "share")
    assert "".join(word for word in words(svg) if word.isdigit()) == ticks


def test_a_single_bar_does_not_fill_the_plot() -> None:
    svg = bars([Series(0, [1.0])], ["x"], "what", "share")
    (bar,) = map(box, drawn(svg, "path", run_colour(0)))
    assert bar.right - bar.left < 0.11 * (axes(svg).right - axes(svg).left)


def test_a_line_leaves_out_what_is_not_there() -> None:
    svg = lines([Series(7, [0.0, None, 1.0])], [0.0, 0.5, 1.0], "x", "y")
    (line,) = drawn(svg, "path", run_colour(1))  # six colours: run 7 has that of run 1
    plot = axes(svg)
    assert corners(line) == [(plot.left, plot.bottom), (plot.right, plot.top)]
    assert marks(svg, run_colour(1)) == [(0.0, 0.0), (1.0, 1.0)]


def test_a_line_over_many_places_has_no_marks() -> None:
    assert not marks(lines([Series(0, [0.5] * 50)], [place / 50 for place in range(50)], "x", "y"), run_colour(0))


def test_the_diagonal_is_where_both_are_equal() -> None:
    series = [Series(0, [0.5])]
    without, with_it = (lines(series, [0.5], "x", "y", diagonal) for diagonal in (False, True))
    assert not drawn(without, "path", DIAGONAL)
    for svg in (with_it, dots([], "x", "y")):
        (line,) = drawn(svg, "path", DIAGONAL)
        plot = axes(svg)
        assert corners(line) == [(plot.left, plot.bottom), (plot.right, plot.top)]


def test_points_stand_where_their_pairs_say() -> None:
    svg = dots([Cloud(0, [(1.0, 0.0), (0.5, 1.0)]), Cloud(1, [])], "x", "y")
    assert marks(svg, run_colour(0)) == [(1.0, 0.0), (0.5, 1.0)]
    assert not marks(svg, run_colour(1))


def every_kind() -> list[str]:
    return [
        bars([Series(run, [0.5, 0.2]) for run in range(len(RUN_COLOURS))], ["0–1 s", "> 1 s"], "length", "right (%)"),
        lines([Series(0, [0.5, 0.2])], [0.2, 0.8], "confidence", "right (%)", diagonal=True),
        dots([Cloud(0, [(0.5, 0.5)]), Cloud(1, [(0.2, 0.5)])], "IoU before", "IoU after"),
    ]


def test_labels_are_text_and_no_mathematics() -> None:
    svg = bars([Series(0, [0.5])], ['<b>$x_1$ & "y"'], "<i>", '"a" <b>')
    assert {'<b>$x_1$ & "y"', "<i>", '"a" <b>'} <= words(svg).keys()


def test_settings_of_matplotlib_neither_matter_nor_change() -> None:
    before = every_kind()
    with matplotlib.rc_context({"font.size": 30, "axes.labelweight": "bold", "svg.fonttype": "path"}):
        assert every_kind() == before
        assert matplotlib.rcParams["font.size"] == 30


def test_only_the_page_loads_matplotlib_and_never_its_global_state() -> None:
    code = (
        "import sys\n"
        "import videomind.cli.main, videomind.evaluation.report.compare, videomind.evaluation.report.markdown\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from videomind.evaluation.report.chart import Series, bars\n"
        "bars([Series(0, [0.5])], ['x'], 'x', 'y')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
