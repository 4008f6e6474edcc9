"""What people get to see and which exit codes scripts get when a model has a calibration."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests import finder
from tests.cli.conftest import Videomind
from tests.cli.test_show import FIRST, RESULT, SECOND, shown
from videomind.cli.progress import follow
from videomind.events import Done, Event, Judged, Verified
from videomind.results import Answer, Candidate
from videomind.synth.video import write_video
from videomind.vision.reader import open_video

THERE, ABSENT = 0.97, 0.04
RATED = (replace(FIRST, probability=0.8), replace(SECOND, probability=0.031))
NOT_THERE = replace(RESULT, candidates=RATED, moments=(), presence=ABSENT, answer=None)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of noise, in which the finder finds several spans."""
    noise = np.random.default_rng(0).integers(0, 256, (120, 84, 84, 3), dtype=np.uint8)
    return write_video(list(noise), tmp_path_factory.mktemp("videos") / "noise.mp4", fps=10.0)


@pytest.fixture(scope="module")
def absent(finder_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that holds nothing to be in any video."""
    return finder.calibrated(finder_bundle, tmp_path_factory.mktemp("absent") / "model", finder.calibration(ABSENT))


@pytest.fixture(scope="module")
def everywhere(finder_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that holds everything to be in any video, several times."""
    rules = finder.calibration(THERE, moment=0.0)
    return finder.calibrated(finder_bundle, tmp_path_factory.mktemp("everywhere") / "model", rules)


def test_find_ends_with_code_1_and_no_moment_but_the_candidates(
    videomind: Videomind, video: Path, absent: Path
) -> None:
    code, stdout, stderr = videomind("find", video, "a dog", "--model", absent)
    result = json.loads(stdout)
    assert (code, result["moment"], result["moments"], len(result["candidates"])) == (1, None, [], 5)
    assert result["presence"] == pytest.approx(ABSENT)
    assert "not in this video (probability 4 %)" in stderr


def test_an_open_question_ends_with_code_1_and_says_so(videomind: Videomind, video: Path, absent: Path) -> None:
    code, stdout, _ = videomind("ask", video, "What barks?", "--model", absent)
    result = json.loads(stdout)
    assert (code, result["moment"], result["answer"]) == (1, None, {"text": "Not in this video.", "option": None})


def test_a_question_that_needs_no_moment_is_answered(videomind: Videomind, video: Path, absent: Path) -> None:
    code, stdout, _ = videomind("ask", video, "What barks?", "--roles", "answerer", "--model", absent)
    assert code == 0
    assert json.loads(stdout)["presence"] is None


def test_compat_finds_something_in_any_video(videomind: Videomind, video: Path, absent: Path) -> None:
    code, stdout, _ = videomind("find", video, "a dog", "--compat", "--model", absent)
    result = json.loads(stdout)
    assert (code, result["moment"], result["presence"]) == (0, result["candidates"][0], None)


def test_find_all_gives_every_moment_and_a_numbered_clip_of_each(
    videomind: Videomind, video: Path, everywhere: Path, tmp_path: Path
) -> None:
    clip, plot = tmp_path / "dog.mp4", tmp_path / "dog.png"
    files = ["--save-clip", clip, "--plot", plot]
    code, stdout, stderr = videomind("find", video, "a dog", "--all", "--top-k", "1", *files, "--model", everywhere)
    result = json.loads(stdout)
    assert (code, len(result["candidates"])) == (0, 1)
    assert result["moment"] == result["moments"][0]
    names = {f"dog_{number}.mp4" for number in range(1, len(result["moments"]) + 1)}
    assert len(names) > 1
    assert {path.name for path in tmp_path.iterdir()} == names | {"dog.png"}
    assert f"clip 2: {tmp_path / 'dog_2.mp4'}" in stderr
    assert f"{len(names)} moments" in stderr
    for number, moment in enumerate(sorted(result["moments"], key=lambda m: m["start"]), start=1):
        with open_video(tmp_path / f"dog_{number}.mp4") as reader:
            assert reader.duration == pytest.approx(max(1.0, moment["end"] - moment["start"]), abs=0.35)


def test_a_numbered_clip_never_replaces_the_video(
    videomind: Videomind, video: Path, everywhere: Path, tmp_path: Path
) -> None:
    own = Path(shutil.copyfile(video, tmp_path / "dog_1.mp4"))
    before = own.read_bytes()
    clip = ["--save-clip", tmp_path / "dog.mp4"]
    code, stdout, stderr = videomind("find", own, "a dog", "--all", *clip, "--model", everywhere)
    assert code == 2
    assert "would replace an input" in stderr
    assert own.read_bytes() == before
    assert json.loads(stdout)["moments"]  # what was computed is shown all the same


def test_find_all_without_calibration_says_what_it_goes_by(
    videomind: Videomind, video: Path, finder_bundle: Path, everywhere: Path
) -> None:
    _, stdout, stderr = videomind("find", video, "a dog", "--all", "--model", finder_bundle)
    assert "note: no calibration is at work" in stderr
    assert all(moment["confidence"] >= 0.5 for moment in json.loads(stdout)["moments"])
    assert "note:" not in videomind("find", video, "a dog", "--all", "--model", everywhere)[2]
    assert "note: no cal" in videomind("find", video, "a dog", "--all", "--compat", "--model", everywhere)[2]


def test_find_all_of_nothing_is_exit_code_1(videomind: Videomind, video: Path, tiny_bundle: Path) -> None:
    code, stdout, _ = videomind("find", video, "a dog", "--all", "--model", tiny_bundle)
    assert (code, json.loads(stdout)["moment"], json.loads(stdout)["moments"]) == (1, None, [])


def test_the_panel_lists_the_nearest_candidate_as_rejected() -> None:
    panel = shown(NOT_THERE)
    for text in (
        "Not in this video.",
        "not in this video (probability 4 %)",
        "0:05.2–0:08.1, rejected",
        "0.91 · verified 0.70 · probability 80 %",
    ):
        assert text in panel


def test_the_panel_shows_a_forced_choice_and_that_the_moment_is_not_there() -> None:
    panel = shown(replace(NOT_THERE, answer=Answer("B) It barks", "B")), options=("it sleeps", "it barks"))
    assert "B  it barks" in panel
    assert "not in this video (probability 4 %)" in panel
    assert "Nothing found." not in panel


def test_the_panel_shows_how_sure_the_model_is_of_what_it_found() -> None:
    panel = shown(replace(RESULT, candidates=RATED, moments=RATED[:1], presence=THERE))
    assert "probability 80 %" in panel
    assert "97 %" in panel
    assert "not in" not in panel


def test_the_panel_lists_several_moments_by_time() -> None:
    late, early = Candidate(60.0, 75.5, 0.95, 0.7, 0.9), Candidate(5.2, 8.1, 0.9, 0.6, 0.7)
    panel = shown(replace(RESULT, moments=(late, early), presence=THERE))
    rows = [line.split() for line in panel.splitlines()]
    first = next(row for row in rows if "0:05.2–0:08.1" in row)
    second = next(row for row in rows if "1:00.0–1:15.5" in row)
    assert first[-7:-1] == ["1", "0:05.2–0:08.1", "0.90", "0.60", "70", "%"]
    assert second[-7:-1] == ["2", "1:00.0–1:15.5", "0.95", "0.70", "90", "%"]
    assert rows.index(first) < rows.index(second)
    bar = next(line for line in panel.splitlines() if "━" in line)
    assert [bool(part) for part in bar.strip("│ ").split("─")].count(True) >= 2


def test_the_progress_shows_probabilities_and_the_verdict() -> None:
    events: list[Event] = [Verified(RATED), Judged(ABSENT, ()), Done(NOT_THERE)]
    stderr = io.StringIO()
    follow(iter(events), Console(file=stderr, width=100))
    lines = [line.split() for line in stderr.getvalue().splitlines()]
    assert lines[1] == ["moment", "grounder", "verifier", "probability"]
    assert lines[2] == ["1", "0:05.2–0:08.1", "0.910", "0.700", "80", "%"]
    assert lines[4][:-2] == ["verdict", "not", "in", "this", "video", "(probability", "4", "%)"]
