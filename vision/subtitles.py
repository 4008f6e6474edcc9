"""Subtitles of a video, from SRT, WebVTT, ASS and SSA files."""

from __future__ import annotations

import codecs
import html
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import pysubs2

from videomind.errors import SubtitleError

FORMATS = {".srt": "srt", ".vtt": "vtt", ".ass": "ass", ".ssa": "ssa"}
MAX_BYTES = 10 * 2**20
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{1,2}[.,]\d{1,3}"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: start and end in seconds, its plain text (lines separated by "\\n", no style tags)."""

    start: float
    end: float
    text: str


def load_subtitles(path: str | Path) -> tuple[Cue, ...]:
    """The cues of a subtitle file in order of their start; drawings, comments and empty cues are left out.

    The file is UTF-8, UTF-16 with a byte order mark, or else taken for Latin-1.

    Raises:
        SubtitleError: the file is missing, of another format, beyond 10 MB, malformed, or without any cue.
    """
    path = Path(path)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise SubtitleError(f"{path}: not a subtitle format we read; give a {', '.join(FORMATS)} file")
    return _cues(_decode(_read(path)), kind, str(path))


def parse_subtitles(text: str) -> tuple[Cue, ...]:
    """The cues of a subtitle file's text, whose format is seen from how it begins.

    Raises:
        SubtitleError: it is beyond 10 MB, malformed, or without any cue.
    """
    if len(text) > MAX_BYTES:
        raise SubtitleError(f"{len(text) / 2**20:.1f} MB is too large for subtitles; the limit is 10 MB")
    begin = text.lstrip("\ufeff \t\r\n")
    kind = "vtt" if begin.startswith("WEBVTT") else "ass" if begin.startswith("[") else "srt"
    return _cues(text.lstrip("\ufeff"), kind, "subtitles")


def _cues(text: str, kind: str, name: str) -> tuple[Cue, ...]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if kind in ("srt", "vtt"):
        _check_times(name, text)
    spoken = [event for event in _parse(name, text, kind) if event.type == "Dialogue" and not event.is_drawing]
    cues = [Cue(e.start / 1000, e.end / 1000, _plain(e.plaintext, kind)) for e in spoken if e.end > e.start]
    if not any(cue.text for cue in cues):
        raise SubtitleError(f"{name}: no subtitle in it; check that it is a proper {kind.upper()} file")
    return tuple(sorted((cue for cue in cues if cue.text), key=lambda cue: (cue.start, cue.end)))


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            megabytes = f"{size / 2**20:.1f} MB"
            raise SubtitleError(f"{path}: {megabytes} is too large for subtitles; the limit is 10 MB")
        return path.read_bytes()
    except OSError as error:
        raise SubtitleError(f"{path}: {error.strerror}; give the path of a subtitle file") from None


def _decode(data: bytes) -> str:
    encoding = next((name for bom, name in BOMS if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _check_times(name: str, text: str) -> None:
    """Refuses a file with an unreadable time line, whose cue the parser would silently lose."""
    for number, line in enumerate(text.split("\n"), start=1):
        if re.match(r"\s*\d.*-->", line) and not _TIMES.match(line):
            found = repr(line.strip()[:60])
            raise SubtitleError(f"{name}: line {number} is {found}; write times as 00:01:02,500 --> 00:01:04,000")


def _parse(name: str, text: str, kind: str) -> list[pysubs2.SSAEvent]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(pysubs2.SSAFile.from_string(text, format_=kind))
    except (pysubs2.Pysubs2Error, ValueError, IndexError, KeyError) as error:
        raise SubtitleError(f"{name}: malformed {kind.upper()} ({error}); repair it or leave it out") from None


def _plain(text: str, kind: str) -> str:
    """The lines up to a blank one, which ends a cue: the name or a note of the next cue may follow it."""
    block = re.split(r"\n\s*\n", text.strip())[0]
    return html.unescape(block) if kind == "vtt" else block
