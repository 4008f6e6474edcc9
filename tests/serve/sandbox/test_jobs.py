"""Clips and playable copies, made in processes of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import pytest

from tests.serve.sandbox.bombs import write_playlist
from tests.vision.media import numbers_of, write_video
from videomind.errors import VideoError
from videomind.serve.sandbox.jobs import export_clip, make_playable, probe_video
from videomind.serve.sandbox.limits import Limits
from videomind.vision.reader import open_video


def test_clip(video: Path, tmp_path: Path, limits: Limits) -> None:
    export_clip(video, tmp_path / "clip.mp4", 1.0, 2.0, limits)
    with open_video(tmp_path / "clip.mp4") as clip:
        assert numbers_of(clip.frames_at(range(clip.num_frames))) == list(range(10, 20))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_clip_outside_the_video(video: Path, tmp_path: Path, limits: Limits) -> None:
    with pytest.raises(VideoError, match=r"^video\.mp4: 7\.000 to 9\.000 s is no span of it"):
        export_clip(video, tmp_path / "clip.mp4", 7.0, 9.0, limits)
    assert not list(tmp_path.iterdir())


def test_clip_of_a_playlist(video: Path, tmp_path: Path, limits: Limits) -> None:
    path = write_playlist(tmp_path / "video.m3u8", video)
    with pytest.raises(VideoError, match="not a video that is taken"):
        export_clip(path, tmp_path / "clip.mp4", 0.0, 1.0, limits)


@pytest.mark.parametrize(
    "wrong",
    [{"max_file_bytes": 1000}, {"wall_s": 0}, {"memory_bytes": 320 << 20}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_clip_beyond_the_limits_leaves_nothing(
    wrong: dict[str, int], video: Path, tmp_path: Path, limits: Limits
) -> None:
    with pytest.raises(VideoError) as caught:
        export_clip(video, tmp_path / "clip.mp4", 0.5, 3.5, replace(limits, **wrong))
    assert str(tmp_path) not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "codec"),
    [("video.mkv", "libx264"), ("video.ts", "libx264"), ("video.avi", "mpeg4"), ("video.webm", "libvpx-vp9")],
)
def test_playable_copy(name: str, codec: str, tmp_path: Path, limits: Limits) -> None:
    source = write_video(tmp_path / name, 20, codec=codec, sound=name == "video.mkv")
    copy = tmp_path / "copy.play.mp4"
    make_playable(source, copy, limits)
    info = probe_video(copy, limits)
    assert (info.kind, info.codec, info.playable, info.frames) == ("mp4", "h264", True, 20)
    with open_video(copy) as reader, av.open(str(copy)) as container:
        assert numbers_of(reader.frames_at([0, 7, 19])) == [0, 7, 19]
        assert len(container.streams.audio) == (name == "video.mkv")
    data = copy.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, copy.name])


def test_playable_copy_is_upright_and_not_too_wide(tmp_path: Path, limits: Limits) -> None:
    source = write_video(tmp_path / "video.mkv", 5, codec="mpeg4", rotation=90)
    make_playable(source, tmp_path / "copy.mp4", limits)
    with open_video(source) as before, open_video(tmp_path / "copy.mp4") as after:
        assert (after.width, after.height) == (before.width, before.height) == (96, 128)
        assert abs(after.frames_at([3]).astype(int) - before.frames_at([3])).mean() < 8
