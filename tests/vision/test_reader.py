"""Opening videos of every kind: the right frames, in the right order, the right way up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import decord
import numpy as np
import pytest
from PIL import Image

from tests.vision.media import HEIGHT, WIDTH, numbered_frame, numbered_frames, numbers_of, write_video
from videomind.errors import InputError, VideoError
from videomind.results import VideoInfo
from videomind.vision.decord_backend import DecordReader
from videomind.vision.pyav_backend import PyavReader
from videomind.vision.reader import VideoReader, open_video

CODECS = {"libx264": "mp4", "libx265": "mp4", "libvpx-vp9": "webm", "libsvtav1": "mp4", "mpeg4": "mp4"}
UNEVEN = [0, 10, 20, 50, 60, 70, 100, 110, 120, 200, 300, 310, 400, 500]


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_gives_its_frames(codec: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / f"video.{CODECS[codec]}", 30, codec=codec)
    with open_video(path) as reader:
        assert (reader.num_frames, reader.fps, reader.duration) == (30, 10.0, 3.0)
        assert reader.info == VideoInfo(str(path), 3.0, 10.0, WIDTH, HEIGHT)
        assert numbers_of(reader.frames_at(range(30))) == list(range(30))
        assert numbers_of(reader.frames_at([29, 0, 15, 15, 3])) == [29, 0, 15, 15, 3]


def test_same_as_decord(video: Path) -> None:
    """The published system reads its videos with decord; count, rate and pixels must be those."""
    theirs = decord.VideoReader(str(video))
    with open_video(video) as reader:
        assert isinstance(reader, DecordReader)
        assert (reader.num_frames, reader.fps) == (len(theirs), theirs.get_avg_fps())
        for indices in ([0, 13, 26, 39], [7, 7, 2, 39, 0]):
            assert np.array_equal(reader.frames_at(indices), theirs.get_batch(indices).asnumpy())


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
def test_seeking_finds_the_right_frame(codec: str, container: str, tmp_path: Path) -> None:
    """Open groups of pictures and transport streams, where decord gives frames that are some places off."""
    tuned = {"libx264": {"preset": "medium", "bf": "3", "x264-params": "open-gop=1"}, "mpeg4": {"bf": "2"}}
    path = write_video(tmp_path / f"video.{container}", 60, codec=codec, options=tuned.get(codec), gop=12)
    with open_video(path) as reader:
        for wanted in ([40], [13, 14], [5, 30, 59], [12], [0], [35, 36, 37]):
            assert numbers_of(reader.frames_at(wanted)) == wanted


def test_what_decord_lacks_is_read_by_pyav(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", 12, codec="libsvtav1")
    with pytest.raises((decord.DECORDError, RuntimeError)):
        decord.VideoReader(str(path))
    with open_video(path) as reader:
        assert isinstance(reader, PyavReader)


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("codec", ["libx264", "libsvtav1"])
def test_the_viewer_sees_the_picture_upright(codec: str, rotation: int, tmp_path: Path) -> None:
    """A phone held sideways stores the picture turned, and says so."""
    stored = np.stack([np.rot90(numbered_frame(i), -rotation // 90) for i in range(8)])
    path = write_video(tmp_path / "video.mp4", 8, codec=codec, rotation=rotation, pictures=stored)
    with open_video(path) as reader:
        assert (reader.width, reader.height) == (WIDTH, HEIGHT)
        assert numbers_of(reader.frames_at(range(8))) == list(range(8))


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_uneven_frame_rate(container: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / f"video.{container}", len(UNEVEN), ticks=UNEVEN)
    with open_video(path) as reader:
        assert reader.timestamps.tolist() == pytest.approx([tick / 100 for tick in UNEVEN], abs=1e-5)
        assert reader.duration == pytest.approx(5.1, abs=0.01)  # the Matroska header claims 10 frames/s: 1.4 s
        assert numbers_of(reader.frames_at_seconds([0.0, 0.49, 0.5, 2.5, 3.99, 99.0])) == [0, 2, 3, 9, 11, 13]


def test_uneven_frame_rate_through_pyav(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mkv", len(UNEVEN), codec="libsvtav1", ticks=UNEVEN)
    with open_video(path) as reader:
        assert isinstance(reader, PyavReader)
        assert reader.duration == pytest.approx(5.1, abs=0.1)
        assert numbers_of(reader.frames_at_seconds([0.49, 2.5, 0.5, 99.0])) == [2, 9, 3, 13]


def test_times_of_results_are_told_to_players_by_the_clock(tmp_path: Path) -> None:
    with open_video(write_video(tmp_path / "uneven.mp4", len(UNEVEN), ticks=UNEVEN)) as reader:
        for frame, tick in enumerate(UNEVEN):
            assert reader.shown_at(frame / reader.fps) == pytest.approx(tick / 100, abs=1e-5)
        assert UNEVEN[-1] / 100 < reader.shown_at(reader.duration) < 5.5
    with open_video(write_video(tmp_path / "even.mp4", 20)) as reader:
        assert [reader.shown_at(t) for t in (0.0, 0.25, 1.3, 2.0)] == pytest.approx([0.0, 0.25, 1.3, 2.0])


@pytest.mark.parametrize("count", [1, 2, 7])
def test_short_and_odd_videos(count: int, tmp_path: Path) -> None:
    with open_video(write_video(tmp_path / "video.mp4", count)) as reader:
        assert reader.num_frames == count
        assert numbers_of(reader.frames_at(range(count))) == list(range(count))


@pytest.mark.parametrize("container", ["mkv", "ts", "mov"])
def test_containers(container: str, tmp_path: Path) -> None:
    with open_video(write_video(tmp_path / f"video.{container}", 20)) as reader:
        assert reader.duration == pytest.approx(2.0, rel=0.05)
        assert numbers_of(reader.frames_at([19, 0, 10])) == [19, 0, 10]


def test_sound_does_not_matter(tmp_path: Path) -> None:
    with open_video(write_video(tmp_path / "video.mp4", 20, sound=True)) as reader:
        assert numbers_of(reader.frames_at([0, 19])) == [0, 19]


def test_gif_keeps_its_own_durations(tmp_path: Path) -> None:
    path = tmp_path / "video.gif"
    first, *others = [Image.fromarray(numbered_frame(i)) for i in range(5)]
    first.save(path, save_all=True, append_images=others, duration=[100, 100, 300, 100, 400], loop=0)
    with open_video(path) as reader:
        assert (reader.num_frames, reader.fps, reader.duration) == (5, 5.0, 1.0)
        assert reader.timestamps.tolist() == pytest.approx([0, 0.1, 0.2, 0.5, 0.6])
        assert numbers_of(reader.frames_at([4, 0, 2])) == [4, 0, 2]
        assert numbers_of(reader.frames_at_seconds([0.45])) == [2]


def test_folder_of_frames_in_natural_order(tmp_path: Path) -> None:
    for i in (1, 2, 10, 11):
        Image.fromarray(numbered_frame(i)).save(tmp_path / f"frame{i}.png")
    (tmp_path / "notes.txt").write_text("no frame")
    with open_video(tmp_path) as reader:
        assert (reader.num_frames, reader.fps) == (4, 1.0)
        assert numbers_of(reader.frames_at(range(4))) == [1, 2, 10, 11]
    with open_video(tmp_path, fps=2.0) as reader:
        assert reader.duration == 2.0


def test_frames_in_memory() -> None:
    frames = numbered_frames(6)
    with open_video(frames, fps=2.0) as reader:
        assert reader.info == VideoInfo("array", 3.0, 2.0, WIDTH, HEIGHT)
        assert np.array_equal(reader.frames_at([5, 0]), frames[[5, 0]])
    with open_video(list(frames)) as reader:
        assert reader.duration == 6.0


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (4, 4, 3), (2, 4, 4, 4)])
def test_arrays_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(VideoError, match=r"array: frames are .* give uint8 \[T, H, W, 3\]"):
        open_video(np.zeros(shape, dtype=np.uint8))


def test_frames_of_different_sizes_are_refused(tmp_path: Path) -> None:
    small, large = numbered_frame(0, 64, 48), numbered_frame(1)
    with pytest.raises(VideoError, match="different shapes"):
        open_video([small, large])
    Image.fromarray(small).save(tmp_path / "0.png")
    Image.fromarray(large).save(tmp_path / "1.png")
    with (
        open_video(tmp_path) as reader,
        pytest.raises(VideoError, match=r"1\.png: 128×96 pixels, but the first"),
    ):
        reader.frames_at([0, 1])


def test_frame_outside_the_video(video: Path) -> None:
    with open_video(video) as reader:
        assert reader.frames_at([]).shape == (0, HEIGHT, WIDTH, 3)
        for index in (-1, 40):
            with pytest.raises(VideoError, match=f"frame {index} is outside 0 to 39"):
                reader.frames_at([0, index])


def test_closing_twice_does_no_harm(video: Path) -> None:
    with open_video(video) as reader:
        reader.close()


def test_rate_is_only_for_frames(video: Path) -> None:
    with pytest.raises(InputError, match="a video file has its own"):
        open_video(video, fps=2.0)
    with pytest.raises(InputError, match="positive"):
        open_video(numbered_frames(2), fps=0.0)


def test_content_hash_knows_the_content_not_the_name(video: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other.mp4"
    copy.write_bytes(video.read_bytes())
    other = write_video(tmp_path / "video.mp4", 20)
    hashes = [open_video(path).content_hash for path in (video, copy, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    frames = numbered_frames(3)
    assert open_video(frames).content_hash == open_video(list(frames)).content_hash
    assert open_video(frames).content_hash != open_video(frames, fps=2.0).content_hash
    assert open_video(frames).content_hash != open_video(frames[::-1]).content_hash


def decord_reader(path: Path) -> VideoReader:
    return open_video(write_video(path / "video.mp4", 40))


def pyav_reader(path: Path) -> VideoReader:
    return open_video(write_video(path / "video.mp4", 40, codec="libsvtav1"))


@pytest.mark.parametrize("make", [decord_reader, pyav_reader])
def test_threads_may_share_a_reader(make: Callable[[Path], VideoReader], tmp_path: Path) -> None:
    requests = [[i, 39 - i, (7 * i) % 40] for i in range(40)]
    with make(tmp_path) as reader, ThreadPoolExecutor(4) as pool:
        for wanted, frames in zip(requests, pool.map(reader.frames_at, requests), strict=True):
            assert numbers_of(frames) == wanted


@pytest.mark.parametrize("codec", ["libx264", "libsvtav1"])
def test_a_short_video_is_decoded_once_when_many_frames_are_wanted(codec: str, tmp_path: Path) -> None:
    with open_video(write_video(tmp_path / "video.mp4", 40, codec=codec)) as reader:
        few = reader.frames_at([3, 30])
        assert reader._whole is None
        assert numbers_of(reader.frames_at(range(0, 40, 2))) == list(range(0, 40, 2))
        assert reader._whole is not None
        np.testing.assert_array_equal(reader.frames_at([3, 30]), few)
    assert reader._whole is None


def test_a_video_beyond_the_budget_is_not_kept(tmp_path: Path) -> None:
    with open_video(write_video(tmp_path / "video.mp4", 40)) as reader:
        reader.keep_bytes = 40 * HEIGHT * WIDTH * 3 - 1
        assert numbers_of(reader.frames_at(range(40))) == list(range(40))
        assert reader._whole is None
