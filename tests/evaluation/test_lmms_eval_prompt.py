"""Prompts as the tasks of lmms-eval write them."""

import pytest

from videomind.errors import InputError
from videomind.evaluation.lmms_eval.prompt import Prompt, read_prompt

QUESTION = "What does the man do?"
OPTIONS = ("He runs.", "red CAR", "He sits: down", "Nothing (A)")
DOTS = "A. He runs.\nB. red CAR\nC. He sits: down\nD. Nothing (A)"
BRACKETS = "(A) He runs.\n(B) red CAR\n(C) He sits: down\n(D) Nothing (A)"
COLONS = "A: He runs.\nB: red CAR\nC: He sits: down\nD: Nothing (A)"
DIRECTLY = "Answer with the option's letter from the given choices directly."
SELECT = (
    "Select the best answer to the following multiple-choice question based on the video and the subtitles. "
    "Respond with only the letter (A, B, C, or D) of the correct option."
)


@pytest.mark.parametrize(
    "text",
    [
        f"{SELECT}\n{QUESTION}\n{DOTS}\n\n{DIRECTLY}",
        f"Watch every detail.\nThese are frames. {SELECT}\n{QUESTION}\n{DOTS}\n",
        f"Question: {QUESTION}\nOptions:\n{DOTS}\nAnswer with the option letter only.",
        f"Question:{QUESTION}\nOption:\n{BRACKETS}\nOnly give the best option.\n",
        f"{QUESTION}\n{BRACKETS}\nOnly give the best option.\nBest option: (",
        f"{QUESTION}\n{DOTS}",
        f"Question: {QUESTION}\n{DOTS}\n{SELECT}",
        f"\nQuestion:{QUESTION}\n{COLONS}\nVisual Information: processed video\nAnswer directly.",
        f"  {QUESTION}  \r\n\r\n{DOTS.replace(chr(10), chr(13) + chr(10))}\r\n{DIRECTLY}",
        f"{QUESTION}\n{DOTS.replace('A.', 'A)').replace('D.', 'D)')}\n{DIRECTLY}",
    ],
)
def test_question_and_options_are_found_in_the_usual_prompts(text: str) -> None:
    assert read_prompt(text) == Prompt(QUESTION, OPTIONS, "ABCD")


@pytest.mark.parametrize(
    "text",
    [
        "What is on the table?\nAnswer the question using a single word or phrase.",
        "Describe the video.",
        "What happens?\nA. only one option\nAnswer briefly.",
        "Is it A. or B. that moves?",
        "What happens?\nB. this\nC. that",
        "A. red\nB. blue\nAnswer with the letter.",
        "Which of these?\nA. red\nB. Red\nAnswer with the letter.",
    ],
)
def test_what_is_no_list_from_a_on_after_a_question_is_an_open_question(text: str) -> None:
    assert read_prompt(f" {text}\n") == Prompt(text)


@pytest.mark.parametrize("asked", ["He has a question: which?", "Say, what are the options:", "A quiz?\nHow long?"])
def test_a_question_keeps_its_own_words(asked: str) -> None:
    assert read_prompt(f"{asked}\n{DOTS}\n{DIRECTLY}").question == asked


def test_an_option_may_go_on_over_lines() -> None:
    prompt = read_prompt(f"{QUESTION}\nA. first,\n   and more\n\nB. second\n{DIRECTLY}")
    assert prompt == Prompt(QUESTION, ("first, and more", "second"), "AB")


def test_the_last_list_is_the_one_to_choose_from() -> None:
    asked = "The sign says\nA. Smith\nB. Jones\nWho comes in?"
    assert read_prompt(f"{asked}\n{DOTS}\n{DIRECTLY}") == Prompt(asked, OPTIONS, "ABCD")


def test_an_option_listed_twice_is_asked_about_once_under_its_first_letter() -> None:
    prompt = read_prompt(f"{QUESTION}\nA. sit\nB. run\nC. Sit\nD. jump\n{DIRECTLY}")
    assert prompt == Prompt(QUESTION, ("sit", "run", "jump"), "ABD")


def test_26_options_and_a_27th_line() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    listed = "\n".join(f"{letter}. number {number}" for number, letter in enumerate(letters))
    assert read_prompt(f"{QUESTION}\n{listed}\nZ. once more").letters == letters


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"This video's subtitles are listed below: \nhello\n{SELECT}\n{QUESTION}\n{DOTS}", "without their times"),
        ("Find the event 'a dog runs', determining its starting and ending times. The format should be: …", "eval run"),
    ],
)
def test_prompts_that_would_be_misunderstood_are_refused(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_prompt(text)
