"""The demonstration: what it writes, and how it judges answers."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Videomind
from tests.cli.test_show import RESULT
from videomind.cli.demo import judge
from videomind.lora_switch.bundle import MANIFEST, NANO
from videomind.results import Answer, Candidate
from videomind.synth.demo import DemoQuestion

COLOUR = DemoQuestion("What colour is it?", "blue", (10.0, 20.0))
CHOICE = DemoQuestion("What does it do?", "moves up", (10.0, 20.0), ("grows", "moves up"))


@pytest.mark.parametrize(
    ("asked", "answer", "right"),
    [
        (COLOUR, Answer("Blue."), True),
        (COLOUR, Answer("red"), False),
        (COLOUR, Answer("not blue"), False),
        (COLOUR, None, False),
        (CHOICE, Answer("B) Moves up", "B"), True),
        (CHOICE, Answer("A) Grows", "A"), False),
        (CHOICE, Answer("hm"), False),
    ],
)
def test_an_answer_is_right_if_it_says_what_is_known(asked: DemoQuestion, answer: Answer | None, right: bool) -> None:
    assert judge(asked, replace(RESULT, answer=answer)).right == right


def test_a_moment_is_judged_by_its_overlap() -> None:
    assert judge(COLOUR, replace(RESULT, moments=(Candidate(10.0, 15.0, 0.9),))).iou == 0.5
    assert judge(COLOUR, replace(RESULT, moments=())).iou == 0.0


@pytest.mark.slow
def test_the_demo_writes_a_video_and_the_evidence_of_four_answers(
    videomind: Videomind, tiny_bundle: Path, tmp_path: Path
) -> None:
    code, stdout, stderr = videomind("demo", tmp_path / "new" / "demo", "--model", tiny_bundle)
    written = {path.name for path in (tmp_path / "new" / "demo").iterdir()}
    kinds = ("figure.png", "film_strip.png", "timeline.png", "clip.mp4")
    assert code == 0
    assert written == {"demo.mp4", *(f"{number}_{kind}" for number in (1, 2, 3, 4) for kind in kinds)}
    assert stdout.count("IoU") == 1
    assert stderr.count("\nanswerer ") == 4


def test_a_folder_that_cannot_be_made_is_refused(videomind: Videomind, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, stdout, stderr = videomind("demo", tmp_path / "file" / "demo")
    assert (code, stdout) == (2, "")
    assert stderr.startswith("error: cannot create the folder")


@pytest.mark.slow
@pytest.mark.skipif(not (NANO / MANIFEST).is_file(), reason="the embedded model is not there yet")
def test_the_embedded_model_answers_its_demo_with_the_right_moments(videomind: Videomind, tmp_path: Path) -> None:
    _, stdout, _ = videomind("demo", tmp_path / "demo")
    assert stdout.count("✓ right") == 3
    overlaps = [float(number) for number in re.findall(r"(\d\.\d\d) *$", stdout, flags=re.MULTILINE)]
    assert len(overlaps) == 3
    assert min(overlaps) >= 0.5
