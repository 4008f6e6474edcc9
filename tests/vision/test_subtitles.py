"""Subtitles of every format and encoding, as plain text."""

from __future__ import annotations

from pathlib import Path

import pytest

from videomind.errors import SubtitleError
from videomind.vision.subtitles import Cue, load_subtitles

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Où est</i>
le chat ?

2
00:01:03,000 --> 00:01:04,250
Là-bas.
"""
CUES = (Cue(1.0, 2.5, "Où est\nle chat ?"), Cue(63.0, 64.25, "Là-bas."))

VTT = """WEBVTT

NOTE made by hand

00:01.000 --> 00:02.000 align:start
<v Anna>Salt &amp; <c.red>pepper</c></v>

NOTE the next has a name

second
01:00:00.000 --> 01:00:01.500
- Thanks
- No, thank you
"""

ASS = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:05.00,0:00:06.50,Default,,0,0,0,,{\\b1}Late{\\b0}\\Nline, with comma
Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,not spoken
Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Early
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}
"""


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_srt_in_every_encoding(encoding: str, newline: str, tmp_path: Path) -> None:
    path = written(tmp_path, "talk.srt", SRT.replace("\n", newline), encoding)
    assert load_subtitles(path) == CUES


def test_webvtt_with_notes_names_and_voices(tmp_path: Path) -> None:
    cues = load_subtitles(written(tmp_path, "talk.vtt", VTT))
    assert cues == (Cue(1.0, 2.0, "Salt & pepper"), Cue(3600.0, 3601.5, "- Thanks\n- No, thank you"))


def test_ass_without_drawings_and_comments_in_order_of_time(tmp_path: Path) -> None:
    cues = load_subtitles(written(tmp_path, "talk.ass", ASS))
    assert cues == (Cue(1.0, 2.0, "Early"), Cue(5.0, 6.5, "Late\nline, with comma"))


def test_cues_without_length_or_text_are_left_out(tmp_path: Path) -> None:
    extra = "3\n00:02:00,000 --> 00:02:00,000\nnothing\n\n4\n00:02:01,000 --> 00:02:02,000\n \n\n"
    assert load_subtitles(written(tmp_path, "talk.srt", SRT + "\n" + extra)) == CUES


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("talk.srt", SRT.replace("00:01:03,000", "00:01:xx"), r"line 7 is '00:01:xx --> "),
        ("talk.vtt", VTT.replace("01:00:00.000", "1h"), r"line 11 is '1h --> "),
        ("talk.ass", ASS.replace("0:00:05.00", "0:xx:05.00"), "malformed ASS"),
        ("talk.srt", "Dear diary\n", "no subtitle in it"),
        ("talk.srt", "", "no subtitle in it"),
        ("talk.ass", "[Events]\nFormat: Layer, Start\nDialogue: junk\n", "no subtitle in it"),
        ("talk.txt", SRT, r"give a \.srt, \.vtt, \.ass, \.ssa file"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, text: str, problem: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, text)
    with pytest.raises(SubtitleError, match=problem) as caught:
        load_subtitles(path)
    assert str(path) in str(caught.value)


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "talk.srt"
    path.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(SubtitleError, match="no subtitle in it"):
        load_subtitles(path)


def test_missing_and_oversized_files(tmp_path: Path) -> None:
    with pytest.raises(SubtitleError, match="No such file"):
        load_subtitles(tmp_path / "talk.srt")
    large = tmp_path / "large.srt"
    large.write_bytes(b" " * (10 * 2**20 + 1))
    with pytest.raises(SubtitleError, match="limit is 10 MB"):
        load_subtitles(large)
