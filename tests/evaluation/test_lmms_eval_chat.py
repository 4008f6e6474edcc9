"""Chat messages as lmms-eval makes them ↔ questions and answers of the agent."""

from pathlib import Path
from typing import Any

import pytest

from videomind.errors import InputError, VideoError
from videomind.evaluation.lmms_eval.chat import Request, by_video, check_videos, read_messages, reply_text
from videomind.evaluation.lmms_eval.prompt import Prompt
from videomind.results import Answer

CHOICE = "What moves?\nA. a dog\nB. a cat\nAnswer with the option's letter from the given choices directly."
PROMPT = Prompt("What moves?", ("a dog", "a cat"), "AB")


def text(what: str) -> dict[str, Any]:
    return {"type": "text", "text": what}


def video(url: Any = "/data/a.mp4", **part: float | None) -> dict[str, Any]:
    return {"type": "video", "url": url, **part}


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def question(name: str, asked: str = "What?") -> Request:
    return Request(Path(name), Prompt(asked))


def test_a_video_with_a_prompt_becomes_a_question_with_options() -> None:
    assert read_messages([user(video(), text(CHOICE))]) == Request(Path("/data/a.mp4"), PROMPT)


def test_texts_of_the_user_belong_together_and_the_system_is_left_out() -> None:
    system = {"role": "system", "content": [text("You are helpful.")]}
    whole_file = video(start_time=None, end_time=None)
    asked = read_messages([system, user(text("What moves?"), whole_file, text("A. a dog\nB. a cat"))])
    assert asked == Request(Path("/data/a.mp4"), PROMPT)


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([user({"type": "image", "url": object()}, text("What?"))], "not image"),
        ([user(video(), {"type": "audio", "url": "a.wav"}, text("What?"))], "not audio"),
        ([user(text("What?"))], "0 videos"),
        ([user(video(), video("b.mp4"), text("What?"))], "2 videos"),
        ([user(video(), text(" \n"))], "nothing is asked"),
        ([{"role": "system", "content": [text("Guess.")]}, user(video())], "nothing is asked"),
        ([user(video(["frame0.png", "frame1.png"]), text("What?"))], "given as list"),
        ([user(video(start_time=3.0), text("What?"))], "only a part"),
        ([user(video(end_time=3.0), text("What?"))], "only a part"),
        ([user(video(), text("What?")), {"role": "assistant", "content": [text("A")]}], "num_fewshot"),
    ],
)
def test_what_the_chain_cannot_be_shown_is_refused(messages: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_messages(messages)


def test_questions_come_together_by_video() -> None:
    assert by_video([question(name) for name in ("b", "a", "b", "c", "a", "b")]) == [0, 2, 5, 1, 4, 3]
    assert by_video([]) == []


def test_missing_videos_are_counted_once_each_and_named(tmp_path: Path) -> None:
    (tmp_path / "there.mp4").touch()
    there = question(str(tmp_path / "there.mp4"))
    check_videos([there])
    with pytest.raises(VideoError, match=r"2 of the videos are not there: .*x\.mp4, .*y\.mp4;"):
        check_videos([question(str(tmp_path / name)) for name in ("x.mp4", "y.mp4", "x.mp4")] + [there])
    with pytest.raises(VideoError, match=r"7 of .*4\.mp4, …;"):
        check_videos([question(str(tmp_path / f"{number}.mp4")) for number in range(7)])


@pytest.mark.parametrize(
    ("answer", "until", "reply"),
    [
        (Answer("B) a cat", "B"), None, "B"),
        (Answer("B) a cat", "B"), ["B"], "B"),
        (Answer("a bird. Or not"), None, "a bird. Or not"),
        (Answer("a bird. Or not"), ".", "a bird"),
        (Answer("one\n\ntwo. three"), [".", "\n\n"], "one"),
        (Answer("one"), ["", "x"], "one"),
        (Answer("one"), [], "one"),
    ],
)
def test_the_reply_is_the_letter_or_the_text_up_to_a_stop_string(
    answer: Answer, until: str | list[str] | None, reply: str
) -> None:
    assert reply_text(answer, PROMPT, until) == reply


def test_the_letter_is_the_prompts_where_an_option_was_listed_twice() -> None:
    assert reply_text(Answer("C) jump", "C"), Prompt("?", ("sit", "run", "jump"), "ABD"), None) == "D"
