"""Which way of looking suits which length."""

import pytest

from videomind.errors import InputError
from videomind.roles.long import MOST_VIEWS, WHOLE, check_long, choose_mode, even_frames, scan_frames, views_worth
from videomind.roles.spec import PUBLISHED_VIEWS

VIEW = PUBLISHED_VIEWS["grounder"]
FPS = 25.0
ONE_VIEW = VIEW.max_frames / VIEW.fps
LONG = MOST_VIEWS * ONE_VIEW + 1


def keys(seconds: float, every: float) -> list[int]:
    return [round(i * every * FPS) for i in range(int(seconds / every))]


def test_a_view_that_is_not_stretched_too_far_is_enough() -> None:
    assert choose_mode("auto", WHOLE * ONE_VIEW, VIEW, keys(WHOLE * ONE_VIEW, 2), FPS) == "whole"
    assert choose_mode("auto", WHOLE * ONE_VIEW + 1, VIEW, keys(WHOLE * ONE_VIEW, 2), FPS) == "windows"


def test_very_long_videos_are_scanned_where_key_frames_are_dense_enough() -> None:
    assert choose_mode("auto", LONG - 2, VIEW, keys(LONG, 2), FPS) == "windows"
    assert choose_mode("auto", LONG, VIEW, keys(LONG, 2), FPS) == "scan"
    assert choose_mode("auto", LONG, VIEW, keys(LONG, 60), FPS) == "windows"
    assert choose_mode("auto", LONG, VIEW, keys(0.95 * LONG, 2), FPS) == "scan"
    assert choose_mode("auto", LONG, VIEW, keys(0.85 * LONG, 2), FPS) == "windows"
    assert choose_mode("auto", LONG, VIEW, None, FPS) == "windows"


@pytest.mark.parametrize("mode", ["whole", "windows", "scan"])
def test_what_is_asked_for_is_done(mode: str) -> None:
    assert choose_mode(check_long(mode), 10.0, VIEW, None, FPS) == mode


def test_another_way_is_an_error_that_names_the_ways() -> None:
    with pytest.raises(InputError, match="auto, whole, windows, scan"):
        check_long("window")


def test_a_short_video_is_one_view_long() -> None:
    assert views_worth(10.0, VIEW) == 1
    assert views_worth(3 * ONE_VIEW, VIEW) == 3


def test_even_frames_are_as_far_apart_as_wanted() -> None:
    assert even_frames(100, 25.0, 1.0) == [0, 25, 50, 75]
    assert even_frames(10, 10.0, 3.0) == [0, 3, 7]
    assert even_frames(3, 1.0, 3.0) == [0, 1, 2]


def test_scanned_are_key_frames_that_are_not_too_close() -> None:
    assert scan_frames(1000, FPS, VIEW, [0, 25, 50, 75, 400, 410]) == [0, 75, 400]
    assert scan_frames(300, FPS, VIEW, None) == [0, 75, 150, 225]
