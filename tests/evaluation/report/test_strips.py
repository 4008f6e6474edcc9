"""Film strips: small, made once, never of a file outside the folder of videos."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.evaluation.report.made_up import SECONDS
from videomind.evaluation.report.strips import HEIGHT, WIDTH, Strips


def picture(uri: str) -> Image.Image:
    head, _, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_frames_from_across_the_video(videos: Path) -> None:
    strip = Strips().of(videos, "beach.mp4")
    shown = picture(strip.uri)
    assert strip.duration == SECONDS
    assert shown.height == HEIGHT
    assert HEIGHT < shown.width <= WIDTH
    levels = np.asarray(shown.convert("L"), dtype=float).mean(axis=0)
    assert levels[0] < 20 < 210 < levels[-1]  # the video grows lighter from 0 to 236
    assert (np.diff(levels[::96]) > 0).all()


def test_a_video_is_drawn_once(videos: Path) -> None:
    strips = Strips()
    first = strips.of(videos, "beach.mp4")
    room = strips.room
    assert strips.of(videos, "beach.mp4") is first
    assert strips.room == room


def test_a_full_page_takes_no_more(videos: Path) -> None:
    strips = Strips(room=1)
    assert strips.of(videos, "beach.mp4").uri
    assert strips.of(videos, "kitchen.mp4").problem == "no picture: the page is full"


@pytest.mark.parametrize("name", ["../videos/beach.mp4", "/etc/passwd", "a/../../b.mp4", "c:\\a.mp4"])
def test_a_path_that_leads_out_is_not_followed(name: str, videos: Path) -> None:
    assert "leads out" in Strips().of(videos, name).problem


def test_what_is_no_video_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_text("no video")
    assert Strips().of(tmp_path, "broken.mp4").problem.startswith("no picture: ")
    assert "not known" in Strips().of(None, "a.mp4").problem
