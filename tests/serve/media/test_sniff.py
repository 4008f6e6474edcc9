"""What a file is, by its first bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vision.media import write_video
from videomind.serve.media.sniff import HEAD, sniff


@pytest.mark.parametrize(
    ("suffix", "codec", "kind"),
    [
        ("mp4", "libx264", "mp4"),
        ("mov", "libx264", "quicktime"),
        ("webm", "libvpx-vp9", "webm"),
        ("mkv", "libx264", "matroska"),
        ("avi", "mpeg4", "avi"),
        ("ts", "libx264", "mpegts"),
        ("m2ts", "libx264", "mpegts"),
        ("mpg", "libx264", "mpeg"),
        ("flv", "flv", "flv"),
        ("wmv", "wmv2", "asf"),
    ],
)
def test_videos(suffix: str, codec: str, kind: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / f"video.{suffix}", 5, codec=codec, fps=25)
    assert sniff(path.read_bytes()[:HEAD]) == kind


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"G",
        b"Good morning, this is a text.",
        b"#EXTM3U\n",
        b"ffconcat version 1.0\n",
        b"<?xml version='1.0'?><MPD>",
        b"PK\x03\x04" + bytes(60),
        b"\x89PNG\r\n\x1a\n" + bytes(60),
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        b"\x00\x00\x00\x18ftypheic" + bytes(60),
        b"\x1a\x45\xdf\xa3" + bytes(60),
        b"\x7fELF" + bytes(60),
        bytes(HEAD),
    ],
)
def test_no_videos(head: bytes) -> None:
    assert sniff(head) is None
