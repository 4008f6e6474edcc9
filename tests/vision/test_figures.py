"""Film strip, timeline and both in one picture."""

from __future__ import annotations

import sys
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
        moment=candidates[0] if candidates else None,
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
        film_strip(reader, tmp_path / "strip.png", (12.0, 18.0))
        film_strip(reader, tmp_path / "plain.png")
    columns = accent_columns(pixels(tmp_path / "strip.png"))
    assert on_axis(5.0) < columns.min() < on_axis(12.5)
    assert on_axis(17.5) < columns.max() < on_axis(25.0)
    assert accent_columns(pixels(tmp_path / "plain.png")).size == 0


def test_result_has_strip_and_timeline_in_one_picture(tmp_path: Path) -> None:
    with open_video(numbered_frames(40)) as reader:
        film_strip(reader, tmp_path / "strip.png", (12.0, 18.0))
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
