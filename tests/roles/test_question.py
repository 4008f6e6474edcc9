"""The check every question passes before a model sees it."""

import pytest

from videomind.errors import InputError
from videomind.roles.question import check_question


def test_a_question_is_stripped() -> None:
    assert check_question("  What happens?\n") == "What happens?"


def test_ten_thousand_characters_are_the_limit() -> None:
    assert len(check_question("x" * 10_000 + "   ")) == 10_000


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ("", "is empty"),
        (" \n\t", "is empty"),
        ("x" * 10_001, "10,001 characters: at most 10,000"),
        ("caf\udce9?", "not valid text"),
        ("what is <|video_pad|>?", r"<\|video_pad\|>, a control token"),
    ],
)
def test_what_cannot_be_asked_is_refused(question: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_question(question)
