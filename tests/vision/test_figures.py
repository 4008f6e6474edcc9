"""Film strip, timeline and both in one picture."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.vision.media import numbered_frames
from videomind.errors import InputError
from videomind.results import Answer, Candidate, Plan, Result, VideoInfo
from videomind.vision.canvas import ACCENT, clock, lines_of
from videomind.vision.figure import plot_result
from videomind.vision.filmstrip import film_strip
from videomind.vision.reader import open_video
from videomind.vision.timeline import timeline

CANDIDATES = (Candidate(12.0, 18.0, 0.8, 0.7), Candidate(2.0, 5.0, 0.6, 0.4), Candidate(0.0, 40.0, 0.1))


def result(question: str = "When does the bar turn white?", candidates: tuple[Candidate, ...] = CANDIDATES) -> Result:
    return Result(
        video=VideoInfo("array", 40.0, 1.0, 128, 96),
        question=question,
        query=question,
        plan=Plan(("grounder",), "", True),
        candidates=candidates,
        moments=candidates[:1],
        answer=Answer("At the end of the song.", "B"),
        timings={},
        model="model",
        engine="engine",
    )


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def accent_columns(picture: np.ndarray) -> np.ndarray:
    """Columns of the picture that hold the colour of the moment, as shares of its width."""
    accent = np.array([int(ACCENT[i : i + 2], 16) for i in (1, 3, 5)])
    return np.flatnonzero((np.abs(picture.astype(int) - accent) < 8).all(axis=2).any(axis=0)) / picture.shape[1]


def on_axis(seconds: float) -> float:
    """Where a time stands, as a share of the picture's width (0.35 of 11 inches are margin, on both sides)."""
    return (0.35 + seconds / 40.0 * 10.3) / 11


def test_timeline_shows_the_moment_at_its_place(tmp_path: Path) -> None:
    timeline(result(), tmp_path / "timeline.png")
    columns = accent_columns(pixels(tmp_path / "timeline.png"))
    assert columns.min() == pytest.approx(on_axis(12.0), abs=0.003)
    assert columns.max() == pytest.approx(on_axis(18.0), abs=0.003)


def test_film_strip_frames_the_moment(tmp_path: Path) -> None:
    with open_video(numbered_frames(40)) as reader:
        film_strip(reader, tmp_path / "strip.png", [(12.0, 18.0)])
        film_strip(reader, tmp_path / "plain.png")
    columns = accent_columns(pixels(tmp_path / "strip.png"))
    assert on_axis(5.0) < columns.min() < on_axis(12.5)
    assert on_axis(17.5) < columns.max() < on_axis(25.0)
    assert accent_columns(pixels(tmp_path / "plain.png")).size == 0


def test_result_has_strip_and_timeline_in_one_picture(tmp_path: Path) -> None:
    with open_video(numbered_frames(40)) as reader:
        film_strip(reader, tmp_path / "strip.png", [(12.0, 18.0)])
        timeline(result(), tmp_path / "timeline.png")
        plot_result(reader, result(), tmp_path / "both.png")
    strip, line, both = (pixels(tmp_path / f"{name}.png").shape for name in ("strip", "timeline", "both"))
    assert strip[1] == line[1] == both[1] == 1760
    assert max(strip[0], line[0]) < both[0] < strip[0] + line[0]


@pytest.mark.parametrize("question", ["", "Does $x_1$ cost 5$?", "word " * 200, "何が起きますか？", "two\nlines"])
def test_any_question_can_be_drawn(question: str, tmp_path: Path) -> None:
    timeline(result(question), tmp_path / "timeline.png")
    assert pixels(tmp_path / "timeline.png").min() < 100


def test_without_candidates(tmp_path: Path) -> None:
    with open_video(numbered_frames(3)) as reader:
        plot_result(reader, result(candidates=()), tmp_path / "both.png")
    assert accent_columns(pixels(tmp_path / "both.png")).size == 0


def test_only_png_and_only_where_it_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"written as \.png"):
        timeline(result(), tmp_path / "timeline.pdf")
    with pytest.raises(InputError, match="No such file or directory"):
        timeline(result(), tmp_path / "nowhere" / "timeline.png")


def test_global_state_of_matplotlib_is_left_alone(tmp_path: Path) -> None:
    timeline(result(), tmp_path / "timeline.png")
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3725, "1:02:05")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_long_text_is_cut() -> None:
    assert lines_of("one two three four", 8, 2) == ["one two", "three …"]


SEVERAL = (Candidate(30.0, 34.0, 0.8, 0.7, 0.9), Candidate(4.0, 8.0, 0.7, 0.6, 0.6))


def rows_of(picture: np.ndarray) -> list[float]:
    """Heights (pixels) at which runs of rows with the moment's colour begin."""
    accent = np.array([int(ACCENT[i : i + 2], 16) for i in (1, 3, 5)])
    held = (np.abs(picture.astype(int) - accent) < 8).all(axis=2).any(axis=1)
    return np.flatnonzero(held[1:] & ~held[:-1]).tolist()


def test_several_moments_are_all_shown_in_order_of_time(tmp_path: Path) -> None:
    several = replace(result(), candidates=(*SEVERAL, Candidate(15.0, 20.0, 0.9)), moments=SEVERAL)
    timeline(several, tmp_path / "timeline.png")
    picture = pixels(tmp_path / "timeline.png")
    _, late = rows_of(picture)
    assert accent_columns(picture[:late]).max() == pytest.approx(on_axis(8.0), abs=0.003)
    assert accent_columns(picture[late + 1 :]).min() == pytest.approx(on_axis(30.0), abs=0.003)


def test_film_strip_frames_every_moment(tmp_path: Path) -> None:
    with open_video(numbered_frames(40)) as reader:
        film_strip(reader, tmp_path / "strip.png", [(30.0, 34.0), (4.0, 8.0)])
    columns = accent_columns(pixels(tmp_path / "strip.png"))
    assert columns.min() < on_axis(8.0)
    assert columns.max() > on_axis(30.0)
    assert not ((columns > on_axis(16.0)) & (columns < on_axis(24.0))).any()


def test_more_moments_than_candidates_are_usually_shown_fit(tmp_path: Path) -> None:
    many = tuple(Candidate(3.0 * i, 3.0 * i + 2, 0.9, 0.7, 0.9) for i in range(12))
    timeline(replace(result(), candidates=many[:5], moments=many), tmp_path / "timeline.png")
    assert len(rows_of(pixels(tmp_path / "timeline.png"))) == 12


def test_what_is_not_in_the_video_is_said_and_no_candidate_is_marked(tmp_path: Path) -> None:
    absent = replace(result(), moments=(), presence=0.04, answer=None)
    said = replace(absent, answer=Answer("B) a dog", "B"))
    for name, shown in (("absent", absent), ("said", said), ("unjudged", replace(absent, presence=None))):
        timeline(shown, tmp_path / f"{name}.png")
        assert accent_columns(pixels(tmp_path / f"{name}.png")).size == 0
    assert pixels(tmp_path / "absent.png").shape[0] > pixels(tmp_path / "unjudged.png").shape[0]  # a line more
    assert not np.array_equal(pixels(tmp_path / "absent.png"), pixels(tmp_path / "said.png"))
    with open_video(numbered_frames(40)) as reader:
        plot_result(reader, absent, tmp_path / "both.png")
    assert accent_columns(pixels(tmp_path / "both.png")).size == 0


@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (39.0, 40.0), (19.0, 21.0), (13.0, 27.0), (0.0, 40.0)])
def test_a_long_label_stays_inside_the_picture(start: float, end: float, tmp_path: Path) -> None:
    one = (Candidate(start, end, 0.87, 0.71, 0.83),)
    timeline(replace(result(), candidates=one, moments=()), tmp_path / "timeline.png")
    picture = pixels(tmp_path / "timeline.png")
    above_axis, margin = picture[:-100], round(0.3 / 11 * picture.shape[1])
    assert above_axis[:, :margin].min() == 255
    assert above_axis[:, -margin:].min() == 255
