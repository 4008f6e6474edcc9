"""Published layouts, before training and evaluation make records and samples of them."""

import json
import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

import videomind
from videomind.annotations import activitynet_captions, charades_sta, didemo, tacos
from videomind.annotations.activitynet_captions import Sentence, sentences
from videomind.annotations.problems import NOT_AS_PUBLISHED, problem

COOKING = {"timestamps": [[50, 100], [80, 1010]], "sentences": ["He cuts.", "He eats."], "num_frames": 1000, "fps": 25}


def test_a_line_of_charades_sta() -> None:
    line = charades_sta.parse(b"ABC12 24.3 30.4##person turns a light##on.")
    assert line == ("ABC12", (24.3, 30.4), "person turns a light##on.")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (None, "too long"),
        (b"ABC12 1 2 person sits", "it is not"),
        (b"ABC12 1##person sits", "it is not"),
        (b"ABC12 1 end##sits", "could not convert"),
        (b"ABC12 1 2##\xff", "can't decode"),
    ],
)
def test_what_is_no_line_of_charades_sta(line: bytes | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        charades_sta.parse(line)


def test_sentences_about_a_video_are_entries_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "val_2.json"
    path.write_text(json.dumps({"v_a": {"timestamps": [[0, 1], [1, 2.5]], "sentences": ["One.", " Two."]}, "v_b": [3]}))
    (_, first), (place, second), (_, malformed) = sentences(path)
    assert (first.video, first.text, first.times) == ("v_a", "One.", [0, 1])
    assert (place, second.text, second.times) == ("v_a, sentence 2", " Two.", [1, 2.5])
    with pytest.raises(NOT_AS_PUBLISHED):
        _ = malformed.text


def test_times_of_tacos_are_counted_in_frames_and_may_end_after_the_last() -> None:
    assert tacos.in_seconds(Sentence("s1-d2.avi", COOKING, 0)) == ("s1-d2", "He cuts.", 2.0, 4.0, 40.0)
    assert tacos.in_seconds(Sentence("s1-d2.avi", COOKING, 1)).end == 40.4


def test_files_of_videos_are_called_in_more_than_one_way() -> None:
    assert activitynet_captions.file_names("v_abc") == ("v_abc", "abc")
    assert tacos.file_names("s1-d2") == ("s1-d2-cam-002", "s1-d2")
    assert didemo.file_names("a/12@N01_ab.mov.mp4") == ("12@N01_ab.mov.mp4", "12@N01_ab.mov", "12@N01_ab")
    assert didemo.file_names("12@N01_ab") == ("12@N01_ab",)


def test_a_problem_is_told_in_words() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, int]).validate_json("{")
    assert problem(caught.value).startswith("it is no JSON: EOF")
    assert problem(KeyError("vid")) == "'vid' is missing"
    assert problem(TypeError("no list")) == "no list"


def test_the_evaluation_takes_no_reading_from_the_training() -> None:
    package = Path(videomind.__file__).parent
    imports = re.compile(r"^\s*(?:from|import) videomind\.training\.(?:jsonl|records|readers)", re.MULTILINE)
    assert [path for path in (package / "evaluation").rglob("*.py") if imports.search(path.read_text("utf-8"))] == []
    both = re.compile(r"^\s*(?:from|import) videomind\.(?:training|evaluation)", re.MULTILINE)
    assert [path for path in (package / "annotations").rglob("*.py") if both.search(path.read_text("utf-8"))] == []
