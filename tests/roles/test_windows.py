"""Windows: they cover a video, each moment belongs to one of them, and times come out as the frames say."""

from itertools import pairwise

import pytest

from videomind.results import Candidate
from videomind.roles.windows import KEPT, cut, found_in, merge, promising

FPS = 10.0
EVERY_FIFTH = range(0, 500, 5)
"""Of a video of 50 seconds: two frames a second."""


def test_windows_overlap_by_half_and_cover_everything() -> None:
    windows = cut(EVERY_FIFTH, FPS, 16)
    assert {len(window.frames) for window in windows} == {16}
    assert {frame for window in windows for frame in window.frames} == set(EVERY_FIFTH)
    assert all(set(a.frames[8:]) <= set(b.frames) for a, b in pairwise(windows[:-1]))
    assert windows[-1].frames == tuple(EVERY_FIFTH[-16:])
    assert windows[0].span == pytest.approx((0, 7.6))


def test_every_second_belongs_to_one_window_that_shows_much_around_it() -> None:
    windows = cut(EVERY_FIFTH, FPS, 16)
    assert windows[0].own[0] == 0
    assert windows[-1].own[1] == float("inf")
    for before, after in pairwise(windows):
        assert before.own[1] == after.own[0]
        assert before.own[1] == pytest.approx((after.span[0] + before.span[1]) / 2)


def test_a_short_video_is_one_window() -> None:
    (window,) = cut(range(7), FPS, 16)
    assert (window.frames, window.span) == (tuple(range(7)), (0, 0.7))
    assert cut([3], FPS, 16)[0].seconds(1.0) == pytest.approx(0.3)


def test_times_are_those_of_evenly_spaced_frames() -> None:
    window = cut(EVERY_FIFTH, FPS, 16)[2]
    assert window.seconds(0.0) == window.span[0] == 8.0
    assert window.seconds(0.5) == pytest.approx((window.span[0] + window.span[1]) / 2)
    assert window.seconds(1.0) == pytest.approx(window.span[1])


def test_times_follow_frames_that_are_not_evenly_spaced() -> None:
    (window,) = cut([0, 10, 20, 400, 410], FPS, 5)
    assert [round(window.seconds(place), 1) for place in (0, 0.25, 0.5, 0.75, 1)] == [0, 1, 2, 40.1, 41.1]


def test_only_a_windows_own_moments_count() -> None:
    window = cut(EVERY_FIFTH, FPS, 16)[2]  # 8 s to 15.6 s; its own from 9.8 s to 13.8 s
    rows = [(0.3, 0.6, 0.9), (0.0, 0.1, 0.8), (0.9, 1.0, 0.7), (0.6, 0.4, 0.6), (0.4, 0.5, 0.0), (0.4, float("nan"), 1)]
    found = found_in(window, rows)
    assert [(round(c.start, 2), round(c.end, 2), c.confidence) for c in found] == [
        (10.28, 12.56, 0.9),
        (11.04, 12.56, 0.6),
    ]
    assert found_in(window, rows[:1], unit=0.5) == [Candidate(10.5, 12.5, 0.9)]


def test_a_cut_off_moment_counts_where_it_is_seen_whole() -> None:
    moment = (11.0, 14.0)
    counted = []
    for window in cut(EVERY_FIFTH, FPS, 16):
        start, end = window.span
        seen = tuple((min(max(t, start), end) - start) / (end - start) for t in moment)
        if seen[0] < seen[1]:
            counted += found_in(window, [(*seen, 0.9)])
    assert [(round(c.start, 2), round(c.end, 2)) for c in counted] == [moment]


def test_a_moment_right_between_two_windows_belongs_to_the_later_one() -> None:
    windows = cut(EVERY_FIFTH, FPS, 16)
    border = windows[0].own[1]
    moment = (border - 0.5, border + 0.5)
    counted = []
    for number, window in enumerate(windows[:2]):
        start, end = window.span
        seen = [(time - start) / (end - start) for time in moment]
        counted += [number for _ in found_in(window, [(*seen, 0.9)])]
    assert counted == [1]
    assert promising([Candidate(*moment, 0.9)], windows, 1) == [windows[1]]


def test_merged_are_the_most_confident_without_doubles() -> None:
    best = merge((Candidate(0, 4, 0.9), Candidate(50, 54, 0.3)), [Candidate(0.2, 4, 0.95), Candidate(2, 6, 0.5)])
    assert [(c.start, c.confidence) for c in best] == [(0.2, 0.95), (2, 0.5), (50, 0.3)]


def test_an_overlap_of_just_the_limit_is_no_double() -> None:
    pair = (Candidate(0, 4, 0.9), Candidate(0, 3, 0.8))
    assert merge(pair, ()) == pair
    assert merge(pair[:1], [Candidate(0, 3.01, 0.8)]) == pair[:1]


def test_doubles_take_no_place_from_others() -> None:
    ours = [Candidate(10.0 * i, 10.0 * i + 5, 0.9 - i / 1000) for i in range(KEPT)]
    doubles = [Candidate(c.start, c.end + 0.1, 0.95) for c in ours[: KEPT // 2]]
    assert len(merge(ours, doubles)) == KEPT


def test_no_more_are_kept_than_of_one_view() -> None:
    many = [Candidate(10.0 * i, 10.0 * i + 5, (i + 1) / 1000) for i in range(900)]
    best: tuple[Candidate, ...] = ()
    for start in range(0, 900, 90):
        best = merge(best, many[start : start + 90])
    assert best == tuple(reversed(many[-KEPT:]))


def test_promising_windows_are_those_of_the_best_candidates_in_order_of_time() -> None:
    windows = cut(EVERY_FIFTH, FPS, 16)
    best = [Candidate(40, 42, 0.9), Candidate(41, 41.5, 0.8), Candidate(10, 12, 0.7), Candidate(0, 1, 0.6)]
    chosen = promising(best, windows, 2)
    assert all(window.own[0] <= middle < window.own[1] for window, middle in zip(chosen, (11, 41), strict=True))
    assert promising(best, windows, 10) == [windows[0], *chosen]
    assert promising([Candidate(49, 50, 0.1)], windows, 1) == [windows[-1]]
