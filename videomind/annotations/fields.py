"""Types of fields in files that anyone may write, checked as they are read."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated

from pydantic import AfterValidator, Field

from videomind.roles.answerer import check_options
from videomind.roles.question import MAX_QUESTION_CHARS, check_text


def _relative(path: str) -> str:
    """A path that cannot leave the folder it starts in, on any system."""
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    if not path.isprintable() or not posix.name:
        raise ValueError("must name a file")
    if posix.is_absolute() or windows.anchor or ".." in windows.parts or "://" in path:
        raise ValueError("must be a path inside the videos' folder: not absolute, without '..', no URL")
    return path


def _text(text: str) -> str:
    return check_text(text, "the text", MAX_QUESTION_CHARS)


def _choice(options: tuple[str, ...]) -> tuple[str, ...]:
    return check_options(options) if options else options


def _forwards(span: tuple[float, float]) -> tuple[float, float]:
    if not span[0] < span[1]:
        raise ValueError("a span starts before it ends")
    return span


RelativePath = Annotated[str, Field(max_length=1000), AfterValidator(_relative)]
Text = Annotated[str, AfterValidator(_text)]
Options = Annotated[tuple[str, ...], AfterValidator(_choice)]
Duration = Annotated[float, Field(gt=0, le=1e6)]
Seconds = Annotated[float, Field(ge=0, le=1e6)]
Span = Annotated[tuple[Seconds, Seconds], AfterValidator(_forwards)]
Spans = Annotated[tuple[Span, ...], Field(max_length=1000)]
