"""Hostile files end in one clear error without a path, within their limits, and the next file is read as ever."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tests.serve.sandbox import bombs
from tests.vision.media import cut_tail, flip_bytes, write_sound, write_video
from videomind.errors import VideoError
from videomind.serve.sandbox.jobs import probe_video
from videomind.serve.sandbox.limits import Limits
from videomind.serve.sandbox.reader import SandboxedReader
from videomind.serve.sandbox.untrusted import CONFINED


def refusal(path: Path, limits: Limits) -> str:
    with pytest.raises(VideoError) as caught:
        probe_video(path, limits)
    text = str(caught.value)
    assert text.startswith(f"{path.name}: ")
    assert str(path.parent) not in text
    return text


def test_what_a_video_is(video: Path, limits: Limits) -> None:
    info = probe_video(video, limits)
    assert (info.kind, info.codec, info.playable) == ("mp4", "h264", True)
    assert (info.duration, info.fps, info.width, info.height, info.frames) == (4.0, 10.0, 128, 96, 40)


@pytest.mark.parametrize(
    ("name", "codec", "kind", "playable"),
    [
        ("video.webm", "libvpx-vp9", "webm", True),
        ("video.mkv", "libx264", "matroska", False),
        ("video.mov", "libx264", "quicktime", False),
        ("video.avi", "mpeg4", "avi", False),
        ("video.ts", "libx264", "mpegts", False),
        ("video.mp4", "mpeg4", "mp4", False),
    ],
)
def test_kinds(name: str, codec: str, kind: str, playable: bool, tmp_path: Path, limits: Limits) -> None:
    stored = write_video(tmp_path / name, 10, codec=codec).rename(tmp_path / "0123")
    info = probe_video(stored, limits)
    assert (info.kind, info.playable, info.frames) == (kind, playable, 10)


def test_ten_hours_in_the_header(tmp_path: Path, limits: Limits) -> None:
    short = write_video(tmp_path / "short.mkv", 10)
    assert "lasts 600.0 min" in refusal(bombs.claim_hours(short, tmp_path / "long.mkv", hours=10), limits)


def test_ten_hours_in_a_header_that_nobody_believes(video: Path, tmp_path: Path, limits: Limits) -> None:
    """In .mp4 the table of frames says how long it is."""
    assert probe_video(bombs.claim_hours(video, tmp_path / "long.mp4", hours=10), limits).duration == 4.0


def test_ten_hours_between_two_frames(tmp_path: Path, limits: Limits) -> None:
    path = write_video(tmp_path / "long.mkv", 2, ticks=[0, 10 * 3600 * 100])
    assert "lasts 600.0 min" in refusal(path, limits)


def test_many_frames(video: Path, limits: Limits) -> None:
    assert "it has 40 frames, at most 39" in refusal(video, replace(limits, max_frames=39))


def test_large_picture(video: Path, limits: Limits) -> None:
    assert "its picture is 128×96" in refusal(video, replace(limits, max_pixels=128 * 96 - 1))


def test_gif_that_claims_to_be_huge(tmp_path: Path, limits: Limits) -> None:
    path = tmp_path / "huge.gif"
    path.write_bytes(bombs.gif(65535, 65535))
    assert "its picture is 65535×65535" in refusal(path, limits)


def test_gif_with_a_frame_larger_than_it_claims(tmp_path: Path, limits: Limits) -> None:
    path = tmp_path / "huge.gif"
    path.write_bytes(bombs.gif(1, 1, frames=2, frame_size=(60_000, 60_000)))
    refusal(path, limits)


def test_more_memory_than_allowed(tmp_path: Path, limits: Limits) -> None:
    """Where the decoder says no more than that it failed, the file may be called damaged."""
    path = write_video(tmp_path / "wide.mp4", 20, codec="mpeg4", pictures=np.zeros((20, 2048, 2048, 3), np.uint8))
    refusal(path, replace(limits, memory_bytes=280 << 20))
    with SandboxedReader(path, replace(limits, memory_bytes=640 << 20)) as reader:
        with pytest.raises(VideoError, match=r"^wide\.mp4: .*takes too much memory"):
            reader.frames_at(range(20))
        assert reader.frames_at([11]).shape == (1, 2048, 2048, 3)


def test_more_computing_than_allowed(endless: Path, limits: Limits) -> None:
    assert "takes more than 0.1 s of computing" in refusal(endless, replace(limits, cpu_s=0.1))


def test_longer_than_allowed(endless: Path, limits: Limits) -> None:
    began = time.monotonic()
    assert "takes longer than 0.3 s" in refusal(endless, replace(limits, wall_s=0.3))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("write", [bombs.write_playlist, bombs.write_concat])
@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.ffconcat"])
def test_lists_of_other_files(write: object, name: str, video: Path, tmp_path: Path, limits: Limits) -> None:
    assert callable(write)
    path = write(tmp_path / name, video)
    assert "not a video that is taken" in refusal(path, limits)
    with pytest.raises(av.error.FFmpegError):  # had it come so far
        av.open(str(path), options=CONFINED)


@pytest.mark.parametrize("write", [bombs.write_zip, bombs.write_png, write_sound])
def test_no_videos(write: object, tmp_path: Path, limits: Limits) -> None:
    assert callable(write)
    assert "not a video that is taken" in refusal(write(tmp_path / "video.mp4"), limits)


def test_errors_call_the_file_what_people_call_it(tmp_path: Path, limits: Limits) -> None:
    path = bombs.write_zip(tmp_path / "0123")
    with pytest.raises(VideoError, match=re.escape(r"my \1 film.mp4: not a video")):
        probe_video(path, limits, name=r"my \1 film.mp4")


def test_empty_file(tmp_path: Path, limits: Limits) -> None:
    (tmp_path / "video.mp4").touch()
    refusal(tmp_path / "video.mp4", limits)


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.9])
def test_cut_off(keep: float, video: Path, tmp_path: Path, limits: Limits) -> None:
    refusal(cut_tail(video, tmp_path / "cut.mp4", keep), limits)


@pytest.mark.parametrize("at", [0.05, 0.5, 0.9, 0.97])
def test_damaged(at: float, video: Path, tmp_path: Path, limits: Limits) -> None:
    """Read as far as it goes, or refused."""
    path = flip_bytes(video, tmp_path / "damaged.mp4", at)
    try:
        frames = probe_video(path, limits).frames
    except VideoError:
        refusal(path, limits)
    else:
        assert frames <= 40
