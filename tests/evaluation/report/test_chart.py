"""Plots: where bars, lines and points stand, read off the SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from videomind.evaluation.report.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Cloud, Series, bars, dots, lines

PLOT = WIDTH - LEFT - RIGHT
FLOOR = HEIGHT - BOTTOM


def shapes(svg: str, tag: str, colour: int) -> list[ET.Element]:
    return [one for one in ET.fromstring(svg).iter(tag) if one.get("class", "").split()[:1] == [f"run{colour}"]]


def number(one: ET.Element, name: str) -> float:
    return float(one.attrib[name])


def test_groups_of_bars_stand_around_their_labels() -> None:
    svg = bars([Series(0, "a", [0.5, None]), Series(1, "b", [1.0, 0.25])], ["x", "y"], "what", "share")
    (first,), (second, third) = shapes(svg, "rect", 0), shapes(svg, "rect", 1)
    centre = (number(first, "x") + number(second, "x") + number(second, "width")) / 2
    assert centre == pytest.approx(LEFT + PLOT / 4, abs=1)
    assert [number(one, "height") for one in (first, second, third)] == pytest.approx(
        [(FLOOR - TOP) * share for share in (0.5, 1.0, 0.25)], abs=0.1
    )
    assert first.findtext("title") == "a: x: 50.0 %"


def test_small_values_get_a_shorter_axis() -> None:
    (bar,) = shapes(bars([Series(0, "a", [0.05])], ["x"], "what", "share"), "rect", 0)
    assert number(bar, "height") == pytest.approx(FLOOR - TOP, abs=0.1)


def test_a_line_leaves_out_what_is_not_there() -> None:
    svg = lines([Series(7, "a", [0.0, None, 1.0], ["none", "", "all"])], [0.0, 0.5, 1.0], "x", "y", diagonal=True)
    (drawn,) = shapes(svg, "polyline", 1)  # six colours: run 7 has that of run 1
    assert drawn.get("points") == f"{LEFT:.1f},{FLOOR:.1f} {WIDTH - RIGHT:.1f},{TOP:.1f}"
    assert [one.findtext("title") for one in shapes(svg, "circle", 1)] == ["a: none", "a: all"]
    assert 'class="guide"' in svg


def test_points_stand_where_their_pairs_say() -> None:
    (cloud,) = shapes(dots([Cloud(0, "a", [(1.0, 0.0), (0.5, 1.0)])], "x", "y"), "g", 0)
    places = [(number(one, "cx"), number(one, "cy")) for one in cloud.iter("circle")]
    assert places == [(WIDTH - RIGHT, FLOOR), (LEFT + PLOT / 2, TOP)]
