"""Clips cut out of a video hold the right frames and the sound."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.vision.media import HEIGHT, WIDTH, numbered_frame, numbers_of, write_song, write_video
from videomind.errors import InputError, VideoError
from videomind.vision.export import export_clip
from videomind.vision.reader import open_video


def numbers_in(path: Path) -> list[int]:
    with open_video(path) as reader:
        return numbers_of(reader.frames_at(range(reader.num_frames)))


def seconds_of_sound(path: Path) -> float:
    """How long the clip's tone is heard."""
    with av.open(str(path)) as clip:
        tone = np.concatenate([frame.to_ndarray()[0] for frame in clip.decode(audio=0)])
    assert np.abs(tone).max() > 0.1
    return len(tone) / 16000


def is_copy(clip: Path, source: Path) -> bool:
    """Whether the clip's first packet is one of the source's."""
    with av.open(str(clip)) as one, av.open(str(source)) as other:
        first = bytes(next(one.demux(video=0)))
        return first in {bytes(packet) for packet in other.demux(video=0)}


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_copied_where_a_keyframe_is_near(suffix: str, tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.mp4", 40)  # a keyframe every 8 frames
    export_clip(source, tmp_path / f"clip{suffix}", 1.62, 3.0)
    assert numbers_in(tmp_path / f"clip{suffix}") == list(range(16, 30))
    assert is_copy(tmp_path / f"clip{suffix}", source)


def test_encoded_again_elsewhere(tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.mp4", 40)
    export_clip(source, tmp_path / "clip.mp4", 1.2, 2.0)
    assert numbers_in(tmp_path / "clip.mp4") == list(range(12, 20))
    assert not is_copy(tmp_path / "clip.mp4", source)


@pytest.mark.parametrize(("start", "first"), [(0.8, 8), (1.2, 12)])
def test_sound_comes_along(start: float, first: int, tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.mp4", 40, sound=True)
    export_clip(source, tmp_path / "clip.mp4", start, 3.0)
    assert numbers_in(tmp_path / "clip.mp4") == list(range(first, 30))
    assert seconds_of_sound(tmp_path / "clip.mp4") == pytest.approx(3.0 - start, abs=0.15)


@pytest.mark.parametrize("start", [1.6, 1.2])
def test_turned_videos_stay_upright(start: float, tmp_path: Path) -> None:
    stored = np.stack([np.rot90(numbered_frame(i), -1) for i in range(40)])
    source = write_video(tmp_path / "source.mp4", 40, rotation=90, pictures=stored)
    export_clip(source, tmp_path / "clip.mp4", start, 2.4)
    assert numbers_in(tmp_path / "clip.mp4") == list(range(round(start * 10), 24))


def test_codec_that_the_container_cannot_hold_is_encoded(tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.webm", 40, codec="libvpx-vp9")
    export_clip(source, tmp_path / "clip.mov", 0.0, 1.0)
    assert numbers_in(tmp_path / "clip.mov") == list(range(10))


def test_open_groups_of_pictures_are_encoded(tmp_path: Path) -> None:
    """A keyframe there is followed by frames that need the ones before it."""
    source = write_video(tmp_path / "source.mp4", 40, codec="libx265")
    export_clip(source, tmp_path / "clip.mp4", 0.8, 2.0)
    assert numbers_in(tmp_path / "clip.mp4") == list(range(8, 20))


def test_uneven_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    ticks = [0, 10, 20, 50, 60, 70, 100, 110, 120, 200, 300, 310, 320, 400]
    source = write_video(tmp_path / "source.mp4", len(ticks), ticks=ticks, gop=50)
    export_clip(source, tmp_path / "clip.mp4", 0.5, 2.5)
    assert numbers_in(tmp_path / "clip.mp4") == [3, 4, 5, 6, 7, 8, 9]
    with open_video(tmp_path / "clip.mp4") as reader:
        assert reader.timestamps.tolist() == pytest.approx([0, 0.1, 0.2, 0.5, 0.6, 0.7, 1.5], abs=0.01)


@pytest.mark.parametrize("start", [0.8, 1.2])
def test_from_a_transport_stream(start: float, tmp_path: Path) -> None:
    """Its clock does not begin at 0."""
    tuned = {"preset": "medium", "bf": "2"}
    source = write_video(tmp_path / "source.ts", 40, options=tuned, sound=True)
    export_clip(source, tmp_path / "clip.mp4", start, 2.0)
    assert seconds_of_sound(tmp_path / "clip.mp4") == pytest.approx(2.0 - start, abs=0.2)
    assert numbers_in(tmp_path / "clip.mp4")[:8] == list(range(round(start * 10), round(start * 10) + 8))


def test_cut_of_a_cut(tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.mp4", 60)
    export_clip(source, tmp_path / "first.mp4", 1.6, 5.0)
    export_clip(tmp_path / "first.mp4", tmp_path / "second.mp4", 1.0, 2.0)
    assert numbers_in(tmp_path / "second.mp4") == list(range(26, 36))


def test_span_within_one_frame_and_beyond_the_end(tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.mp4", 20)
    export_clip(source, tmp_path / "short.mp4", 1.21, 1.22)
    assert numbers_in(tmp_path / "short.mp4") == [12]
    export_clip(source, tmp_path / "long.mp4", 1.2, 99.0)
    assert numbers_in(tmp_path / "long.mp4") == list(range(12, 20))


def test_odd_sizes_lose_one_line(tmp_path: Path) -> None:
    source = write_video(
        tmp_path / "source.mkv",
        4,
        codec="libvpx-vp9",
        pictures=np.stack([numbered_frame(i, WIDTH + 1, HEIGHT + 1) for i in range(4)]),
    )
    export_clip(source, tmp_path / "clip.mp4", 0.15, 0.4)
    with open_video(tmp_path / "clip.mp4") as reader:
        assert (reader.width, reader.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(("start", "end"), [(1.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (2.0, 3.0), (float("nan"), 1.0)])
def test_spans_that_are_none(start: float, end: float, tmp_path: Path) -> None:
    source = write_video(tmp_path / "source.mp4", 20)
    with pytest.raises(InputError, match="is no span of it"):
        export_clip(source, tmp_path / "clip.mp4", start, end)
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


def test_names_and_sources_that_will_not_do(video: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.mp4, \.mov, \.mkv"):
        export_clip(video, tmp_path / "clip.gif", 0.0, 1.0)
    with pytest.raises(VideoError, match="no such file"):
        export_clip(tmp_path / "none.mp4", tmp_path / "clip.mp4", 0.0, 1.0)
    with pytest.raises(VideoError, match="sound only"):
        export_clip(write_song(tmp_path / "song.mp3"), tmp_path / "clip.mp4", 0.0, 1.0)
    with pytest.raises(VideoError, match="cannot be written"):
        export_clip(video, tmp_path / "no such folder" / "clip.mp4", 0.0, 1.0)
