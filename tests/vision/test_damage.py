"""Damaged files: the frames that can be saved, or one clear error; never a hang, a crash or a wrong frame."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vision.media import (
    cut_tail,
    flip_bytes,
    number_of,
    numbers_of,
    write_song,
    write_sound,
    write_video,
)
from videomind.errors import VideoError
from videomind.vision.decord_backend import UNDECODABLE, DecordReader
from videomind.vision.pyav_backend import PyavReader
from videomind.vision.reader import open_video

FRONT = {"movflags": "faststart"}


def refusal(path: Path) -> str:
    with pytest.raises(VideoError) as caught:
        open_video(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def test_missing_file(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "video.mp4")


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "video.mp4").touch()
    assert "empty" in refusal(tmp_path / "video.mp4")


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "gif"])
def test_text_under_the_name_of_a_video(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"video.{suffix}"
    path.write_text("Dear diary, today I filmed nothing.\n" * 50)
    assert "not a " in refusal(path)


def test_sound_only(tmp_path: Path) -> None:
    assert "sound only" in refusal(write_sound(tmp_path / "sound.wav"))


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert "without images" in refusal(tmp_path)


def test_cut_off_before_its_index(tmp_path: Path) -> None:
    """An .mp4 whose index stands at the end and never arrived."""
    whole = write_video(tmp_path / "whole.mp4", 40)
    assert "cut off" in refusal(cut_tail(whole, tmp_path / "video.mp4", 0.6))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_cut_off_with_its_index_at_the_front(codec: str, tmp_path: Path) -> None:
    """What arrived is there: decord refuses such a file, PyAV reads it."""
    whole = write_video(tmp_path / "whole.mp4", 40, codec=codec, container_options=FRONT)
    path = cut_tail(whole, tmp_path / "video.mp4", 0.85)
    with open_video(path) as reader:
        assert isinstance(reader, PyavReader)
        assert 4 <= reader.num_frames < 40
        assert reader.fps == 10.0
        seen = numbers_of(reader.frames_at(range(reader.num_frames)))
        assert seen[:8] == list(range(8))
        assert sorted(seen) == seen  # what is missing near the end is filled up with the frame before


@pytest.mark.parametrize("container", ["mkv", "ts"])
def test_cut_off_streams(container: str, tmp_path: Path) -> None:
    whole = write_video(tmp_path / f"whole.{container}", 40)
    with open_video(cut_tail(whole, tmp_path / f"video.{container}", 0.7)) as reader:
        assert 4 <= reader.num_frames < 40
        assert numbers_of(reader.frames_at([3, 0, 2])) == [3, 0, 2]


def test_damage_in_the_middle_spares_the_rest(tmp_path: Path) -> None:
    """Decord refuses the batch; the frames of other keyframes come out right, in their places."""
    whole = write_video(tmp_path / "whole.mp4", 40, container_options=FRONT)
    path = flip_bytes(whole, tmp_path / "video.mp4", at=0.5, count=100)
    with open_video(path) as reader:
        assert isinstance(reader, DecordReader)
        with pytest.raises(UNDECODABLE):
            reader._reader.get_batch(list(range(40)))
    with open_video(path) as reader:
        seen = numbers_of(reader.frames_at(range(40)))
        assert len(seen) == 40
        assert seen[:2] == [0, 1]
        assert seen[-8:] == list(range(32, 40))  # its last keyframe and what hangs on it


@pytest.mark.parametrize("codec", ["libx264", "libsvtav1"])
@pytest.mark.parametrize("at", [0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
def test_damage_anywhere_gives_frames_or_one_error(codec: str, at: float, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", 40, codec=codec, container_options=FRONT)
    path = flip_bytes(whole, tmp_path / "video.mp4", at)
    try:
        reader = open_video(path)
    except VideoError:
        assert "damaged" in refusal(path)
    else:
        frames = reader.frames_at(range(reader.num_frames))
        assert frames.shape[1:] == (reader.height, reader.width, 3)


def test_cover_picture_of_a_song_is_no_video(tmp_path: Path) -> None:
    assert "sound only" in refusal(write_song(tmp_path / "song.mp3"))


def test_a_frame_that_cannot_be_decoded_shows_the_nearest_one(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", 40, container_options=FRONT)
    path = flip_bytes(whole, tmp_path / "video.mp4", at=0.5, count=100)
    with open_video(path) as reader:
        seen = [number_of(frame) for frame in reader.frames_at(range(40))]
        one_by_one = [number_of(reader.frames_at([i])[0]) for i in range(40)]
    assert one_by_one == seen
