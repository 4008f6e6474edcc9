"""The answerer: its prompt (options, subtitles in the crop) and the option its reply chooses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from string import ascii_uppercase
from typing import Protocol

from videomind.errors import InputError
from videomind.roles.question import MAX_OPTION_CHARS, check_text

OPTION_PREFIX = "Best Option: ("
"""How the reply to a multiple-choice question is forced to begin."""
NOT_IN_VIDEO = "Not in this video."
"""The answer to an open question about something that is not there; the answerer is not asked."""
MAX_SUBTITLES = 100

_LETTER_FIRST = re.compile(r"\W*([A-Za-z])\s*(?:[).:,;\]*]|$)")
_LETTER_NAMED = re.compile(r"\b(?i:answer|option|choice)\b(?:\s+is)?[\s:(*]*([A-Z])\b(?!['’])")
_LETTER_IN_BRACKETS = re.compile(r"\(([A-Z])\)")
_LETTER_THEN_WORDS = re.compile(r"^\W*([B-HJ-Z])\s")  # a leading "A" or "I" may be a word


class Cue(Protocol):
    """One subtitle: when it is shown (seconds of the video) and what it says."""

    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def text(self) -> str: ...


def check_options(options: Sequence[str], as_published: bool = False) -> tuple[str, ...]:
    """The options without outer white space.

    Args:
        options: their texts, A first.
        as_published: of a benchmark, some of which have options with outer white space, empty ones, or one twice:
            they are kept as they are.

    Raises:
        InputError: fewer than 2 or more than 26, an option that is empty or too long, or the same one twice.
    """
    if not 2 <= len(options) <= len(ascii_uppercase):
        raise InputError(f"{len(options)} option(s) given: a choice needs 2 to {len(ascii_uppercase)}")
    checked = tuple(
        "" if as_published and not option.strip() else check_text(option, f"option {letter}", MAX_OPTION_CHARS)
        for letter, option in zip(ascii_uppercase, options, strict=False)
    )
    if as_published:
        return tuple(options)
    seen: dict[str, str] = {}
    for letter, option in zip(ascii_uppercase, checked, strict=False):
        first = seen.setdefault(option.casefold(), letter)
        if first != letter:
            raise InputError(f"options {first} and {letter} are the same ({option!r}): leave one out")
    return checked


def multiple_choice_text(question: str, options: Sequence[str]) -> str:
    """The question and its options as the published system writes them ("red CAR" becomes "Red car")."""
    lines = [f"({letter}) {option.capitalize()}" for letter, option in zip(ascii_uppercase, options, strict=False)]
    return "\n".join([question, "Options:", *lines, "Please only give the best option."])


def subtitle_text(cues: Iterable[Cue], start: float, end: float) -> str:
    """What stands directly before the prompt: the first 100 cues inside [start, end], timed from start."""
    inside = islice((cue for cue in cues if cue.start >= start and cue.end <= end), MAX_SUBTITLES)
    lines = "".join(f"{round(cue.start - start, 1)}s - {round(cue.end - start, 1)}s, {cue.text}\n" for cue in inside)
    return f"You are given a video with {round(end - start, 1)} seconds long.\nSubtitles:\n{lines}"


def parse_option(reply: str, options: Sequence[str], compat: bool = False) -> str | None:
    """The letter of the option a reply chooses, or None if it chooses none.

    Understands "B) Red", "B", "(b)", "b.", "The answer is B", "I think (B)", "Red", and a sentence that holds
    the text of one option alone.

    Args:
        reply: the generated text, with or without `OPTION_PREFIX`.
        options: the texts of the options, A first.
        compat: read it as the published evaluation does, by the first letter of the first word.
    """
    reply = reply.strip().removeprefix(OPTION_PREFIX)
    letters = ascii_uppercase[: len(options)]
    if compat:
        letter = reply.partition(" ")[0].translate(dict.fromkeys(map(ord, "().")))[:1].upper()
        return letter if letter and letter in letters else None
    return (
        _by_letter(reply, letters, _LETTER_FIRST.match)
        or _by_letter(reply, letters, _LETTER_NAMED.search)
        or _by_letter(reply, letters, _LETTER_IN_BRACKETS.search)
        or _by_text(reply, options)
        or _by_letter(reply, letters, _LETTER_THEN_WORDS.search)
    )


def answer_text(reply: str) -> str:
    """The reply as shown to people: without the forced beginning and the white space around it."""
    return reply.strip().removeprefix(OPTION_PREFIX).strip()


def _by_letter(reply: str, letters: str, find: Callable[[str], re.Match[str] | None]) -> str | None:
    match = find(reply)
    return match[1].upper() if match and match[1].upper() in letters else None


def _by_text(reply: str, options: Sequence[str]) -> str | None:
    """The option whose text stands in the reply; of several, the one that holds all others."""
    reply = reply.casefold()
    texts = [option.strip().rstrip(".").casefold() for option in options]
    found = [text for text in texts if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", reply)]
    longest = max(found, key=len, default="")
    if not longest or not all(text in longest for text in found):
        return None
    return ascii_uppercase[texts.index(longest)]
