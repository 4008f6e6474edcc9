"""What people may ask: the one check every question, query and option passes before any model sees it."""

from __future__ import annotations

import re

from videomind.errors import InputError

MAX_QUESTION_CHARS = 10_000
MAX_OPTION_CHARS = 1_000
_CONTROL_TOKEN = re.compile(r"<\|\w+\|>")


def check_text(text: str, what: str, max_chars: int) -> str:
    """The text without outer white space.

    Args:
        text: what the user wrote.
        what: how to call it in an error, e.g. "the question".
        max_chars: longest text allowed.

    Raises:
        InputError: it is empty, too long, no valid Unicode, or holds a control token of the model such as
            `<|video_pad|>` (which would be read as video, not as text).
    """
    text = text.strip()
    if not text:
        raise InputError(f"{what} is empty: write what you want to know about the video")
    if len(text) > max_chars:
        raise InputError(f"{what} has {len(text):,} characters: at most {max_chars:,} are allowed")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{what} is not valid text: write it in UTF-8") from None
    if token := _CONTROL_TOKEN.search(text):
        raise InputError(f"{what} contains {token[0]}, a control token of the model: leave it out")
    return text


def check_question(question: str) -> str:
    """The question (or query) without outer white space; InputError if it cannot be asked (`check_text`)."""
    return check_text(question, "the question", MAX_QUESTION_CHARS)
