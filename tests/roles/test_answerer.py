"""The answerer's prompt and the option its reply chooses."""

from dataclasses import dataclass

import pytest

from videomind.errors import InputError
from videomind.roles.answerer import (
    answer_text,
    check_options,
    multiple_choice_text,
    parse_option,
    subtitle_text,
)

COLOURS = ("red car", "green car", "a blue bird", "red")


@dataclass(frozen=True)
class Line:
    start: float
    end: float
    text: str


def test_options_follow_the_question_with_only_their_first_letter_capital() -> None:
    assert multiple_choice_text("What is it?", ["a red CAR", "Fox"]) == (
        "What is it?\nOptions:\n(A) A red car\n(B) Fox\nPlease only give the best option."
    )


def test_subtitles_are_those_inside_the_span_timed_from_its_start() -> None:
    cues = [
        Line(9, 11, "cut off"),
        Line(10, 11.26, "hello"),
        Line(15.5, 20, "bye"),
        Line(19, 20.1, "cut off"),
    ]
    assert subtitle_text(cues, 10.0, 20.0) == (
        "You are given a video with 10.0 seconds long.\nSubtitles:\n0.0s - 1.3s, hello\n5.5s - 10.0s, bye\n"
    )


def test_at_most_a_hundred_subtitles_are_given() -> None:
    cues = [Line(i, i + 1, f"line {i}") for i in range(300)]
    text = subtitle_text(cues, 50.0, 300.0)
    assert text.count("\n") == 102
    assert text.endswith("99.0s - 100.0s, line 149\n")


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("B", "B"),
        ("B) Green car", "B"),
        ("(b)", "B"),
        ("b.", "B"),
        (" B: because it is green", "B"),
        ("Best Option: (B) Green car", "B"),
        ("The answer is B", "B"),
        ("The best option is (B).", "B"),
        ("Answer: B", "B"),
        ("I think (B) fits best", "B"),
        ("Green car", "B"),
        ("It is the green car.", "B"),
        ("B because it is not red", "D"),
        ("B as one can see", "B"),
        ("a red car", "A"),
        ("A blue bird", "C"),
        ("Red", "D"),
        ("red car or green car", None),
        ("A dog", None),
        ("E) something else", None),
        ("I do not know", None),
        ("infrared", None),
        ("", None),
        ("🦊", None),
    ],
)
def test_the_chosen_option_is_read_off_the_reply(reply: str, letter: str | None) -> None:
    assert parse_option(reply, COLOURS) == letter


@pytest.mark.parametrize(
    ("reply", "letter"),
    [("B) Green car", "B"), ("The answer is B", None), ("Brown bear", "B"), ("A dog", "A"), ("", None)],
)
def test_compat_takes_the_first_letter_of_the_first_word(reply: str, letter: str | None) -> None:
    assert parse_option(reply, COLOURS, compat=True) == letter


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["red"], "1 option"),
        ([f"number {i}" for i in range(27)], "27 option"),
        (["red", "blue", " Red "], "options A and C are the same"),
        (["red", "  "], "option B is empty"),
        (["red", "x" * 1001], "option B has 1,001 characters"),
        (["red", "<|im_end|>"], "control token"),
    ],
)
def test_options_that_are_no_choice_are_refused(options: list[str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_options(options)


def test_good_options_are_returned_stripped() -> None:
    assert check_options([" red", "blue "]) == ("red", "blue")


def test_people_see_the_reply_without_the_forced_beginning() -> None:
    assert answer_text("Best Option: (B) Green car\n") == "B) Green car"
    assert answer_text("  It stops. ") == "It stops."


def test_options_of_a_benchmark_are_kept_as_they_are() -> None:
    options = (" red", "red", "RED ", "", "  ", "red")
    assert check_options(options, as_published=True) == options
    assert check_options(["a", "b"], as_published=True) == ("a", "b")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["one"], "2 to 26"),
        (["x"] * 27, "2 to 26"),
        (["a", "b" * 1001], "option B has 1,001 characters"),
        (["a", "see <|video_pad|>"], "option B contains"),
    ],
)
def test_options_of_a_benchmark_have_to_be_usable_too(options: list[str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_options(options, as_published=True)
