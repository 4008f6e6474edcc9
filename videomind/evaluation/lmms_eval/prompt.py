"""The texts that lmms-eval's tasks write around a question: taken apart into the question and its options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from videomind.errors import InputError

_OPTION = re.compile(r"\s*[(\[]?([A-Z])[)\].:]\s*(\S.*)")
_LEAD = re.compile(r"\A(?:.*\n)*?.*\bmultiple[- ]choice question\b.*\n", re.IGNORECASE)
_BEFORE_QUESTION = re.compile(r"\A\s*question\s*:", re.IGNORECASE)
_BEFORE_OPTIONS = re.compile(r"\n\s*(?:options?|choices|candidates)\s*:\s*\Z", re.IGNORECASE)
_NOT_FOR_US = (
    (
        re.compile(r"video's subtitles are listed below", re.IGNORECASE),
        "the prompt lists subtitles without their times: take the task without subtitles",
    ),
    (
        re.compile(r"\bdetermining its starting and ending times\b", re.IGNORECASE),
        "the prompt wants a moment written out in words: use `videomind eval run`, which scores the moments themselves",
    ),
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a prompt asks.

    Attributes:
        question: the question; where no options were recognised, the whole prompt.
        options: their texts, each once; () = an open question.
        letters: the letter of each option in the prompt, in the same order.
    """

    question: str
    options: tuple[str, ...] = ()
    letters: str = ""


def read_prompt(text: str) -> Prompt:
    """The question and the options in a prompt.

    Options are lines such as "A. red", "(A) red" or "A) red", in order from A; an option may go on over further lines,
    except for the last. What follows them, and what is known to stand before a question ("Question:", "Select the best
    answer to the following multiple-choice question …", "Options:"), says how to reply, which the chain
    decides for itself.

    Raises:
        InputError: a prompt that the chain cannot answer as it is meant.
    """
    for pattern, why in _NOT_FOR_US:
        if pattern.search(text):
            raise InputError(why)
    lines = text.splitlines()
    starts = _option_lines(lines)
    if not starts:
        return Prompt(text.strip())
    question = _bare_question("\n".join(lines[: starts[0]]))
    first_of: dict[str, str] = {}
    options: list[str] = []
    letters = ""
    ends = [*starts[1:], starts[-1] + 1]
    for letter, start, end in zip(ascii_uppercase, starts, ends, strict=False):
        option = _option_text(lines[start:end])
        if first_of.setdefault(option.casefold(), letter) == letter:
            options.append(option)
            letters += letter
    if not question or len(options) < 2:
        return Prompt(text.strip())
    return Prompt(question, tuple(options), letters)


def _option_lines(lines: Sequence[str]) -> list[int]:
    """Where the options of the last list A, B, … begin; [] if there is none."""
    letters = [match[1] if (match := _OPTION.fullmatch(line)) else "" for line in lines]
    for first in reversed(range(len(lines))):
        if letters[first] != "A":
            continue
        starts = [first]
        for number in range(first + 1, len(lines)):
            if letters[number] and letters[number] == ascii_uppercase[len(starts) :][:1]:
                starts.append(number)
        if len(starts) > 1:
            return starts
    return []


def _option_text(lines: Sequence[str]) -> str:
    first = _OPTION.sub(r"\2", lines[0], count=1)
    return " ".join(" ".join([first, *lines[1:]]).split())


def _bare_question(text: str) -> str:
    """What stands before the options, without what is known to introduce the question or them."""
    for known in (_LEAD, _BEFORE_OPTIONS, _BEFORE_QUESTION):
        text = known.sub("", text)
    return text.strip()
