"""The user's own questions."""

import json
from pathlib import Path
from typing import Any

import pytest

from videomind.errors import DataError
from videomind.evaluation.sample import Sample
from videomind.evaluation.tasks import task

LINE = {"video": "holiday.mp4", "question": "What does the boy do?", "options": ["He swims", "He laughs"]}


def read(folder: Path, *lines: dict[str, Any]) -> list[Sample]:
    path = folder / "questions.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return list(task("jsonl").read(path, "all"))


def test_all_fields(tmp_path: Path) -> None:
    (sample,) = read(
        tmp_path,
        LINE
        | {
            "id": "one",
            "answer": "He laughs",
            "spans": [[12.5, 18], [20, 21.5]],
            "duration": 60,
            "groups": {"task": ["why", "how"], "length": "short"},
            "subtitles": "holiday.srt",
        },
    )
    assert sample == Sample(
        id="one",
        video=("holiday.mp4",),
        question="What does the boy do?",
        options=("He swims", "He laughs"),
        answer="B",
        spans=((12.5, 18.0), (20.0, 21.5)),
        duration=60.0,
        groups=(("task", "why"), ("task", "how"), ("length", "short")),
        subtitles="holiday.srt",
    )


def test_little_is_needed_and_ids_are_made_of_the_place(tmp_path: Path) -> None:
    first, second = read(
        tmp_path, {"video": "a.mp4", "question": "a dog barks"}, LINE | {"answer": "A", "absent": True}
    )
    assert (first.id, first.options, first.answer, first.spans) == ("line-1", (), None, ())
    assert (second.id, second.answer, second.absent) == ("line-2", "A", True)


def test_an_answer_is_a_text_before_it_is_a_letter(tmp_path: Path) -> None:
    (sample,) = read(tmp_path, LINE | {"options": ["B", "C", "A"], "answer": "A"})
    assert sample.answer == "C"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"anwser": "A"}, "anwser"),
        ({"answer": "C"}, "the answer 'C' is none of the options"),
        ({"answer": "AB"}, "is none of the options"),
        ({"options": [], "answer": "A"}, "as there are no options"),
        ({"options": ["one"]}, "a choice needs 2 to 26"),
        ({"spans": [[5, 2]]}, "a span starts before it ends"),
        ({"absent": True, "spans": [[1, 2]]}, "what is absent has no spans"),
        ({"video": "../secret.mp4"}, "inside the videos' folder"),
        ({"subtitles": "/etc/passwd"}, "inside the videos' folder"),
        ({"video": None}, "video"),
        ({"question": " "}, "question"),
        ({"duration": 0}, "duration"),
        ({"groups": {"task": 3}}, "groups"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=rf"questions\.jsonl, line 2: .*{says}"):
        read(tmp_path, {"video": "a.mp4", "question": "a dog"}, LINE | change)


def test_ids_are_unique(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two samples have the id x"):
        read(tmp_path, LINE | {"id": "x"}, LINE | {"id": "x"})


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1: it is longer than 1,048,576 bytes"):
        read(tmp_path, LINE | {"question": "x" * 2**20})
