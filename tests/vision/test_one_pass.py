"""One pass gives decord's frames to the last bit, or says that it may not."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import decord
import numpy as np
import pytest

from tests.vision.media import flip_bytes, numbers_of, write_video
from videomind.vision import one_pass
from videomind.vision.decord_backend import DecordReader
from videomind.vision.index import counts
from videomind.vision.one_pass import OnePass, OtherwiseError, same_as_decord
from videomind.vision.probe import probe
from videomind.vision.reader import open_video

NARROW = (16, 24, 48, 72)
"""Widths that decord itself refuses."""


def write_noise(
    path: Path,
    width: int,
    height: int,
    *,
    count: int = 3,
    matrix: int = 2,
    levels: int = 0,
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> Path:
    """Writes H.264 frames of noise whose colours are coded by this matrix and range (AVColorSpace, AVColorRange)."""
    dice = np.random.default_rng(width * height)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "crf": "8"} | (options or {}))
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, levels
        for number in range(count):
            frame = av.VideoFrame(width, height, pixels)
            frame.colorspace, frame.color_range = matrix, levels
            for plane in frame.planes:
                highest = 4 if "10" in pixels else 256  # the upper byte of ten bits
                plane.update(dice.integers(0, highest, plane.buffer_size, dtype=np.uint8).tobytes())
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def of_decord(path: Path) -> np.ndarray:
    reader = decord.VideoReader(str(path))
    frames: np.ndarray = reader.get_batch(range(len(reader))).asnumpy()
    return frames


def in_one_pass(path: Path) -> np.ndarray:
    """All frames; fails where they do not come from one pass."""
    probed = probe(path)
    assert same_as_decord(probed)
    return OnePass(path, probed).frames(list(range(len(probed.index.pts))))


@pytest.mark.parametrize("height", [16, 30, 98])
def test_same_pixels_at_every_width(height: int, tmp_path: Path) -> None:
    for width in set(range(16, 132, 2)) - set(NARROW):
        path = write_noise(tmp_path / "video.mp4", width, height, count=2)
        np.testing.assert_array_equal(in_one_pass(path), of_decord(path))


@pytest.mark.parametrize(("width", "height"), [(224, 224), (320, 240), (426, 240), (640, 360), (854, 480)])
def test_same_pixels_at_common_sizes(width: int, height: int, tmp_path: Path) -> None:
    path = write_noise(tmp_path / "video.mp4", width, height)
    np.testing.assert_array_equal(in_one_pass(path), of_decord(path))


@pytest.mark.parametrize("levels", [0, 1, 2])
@pytest.mark.parametrize("matrix", [1, 2, 4, 5, 6, 7, 9])
def test_same_pixels_in_every_colour_coding(matrix: int, levels: int, tmp_path: Path) -> None:
    path = write_noise(tmp_path / "video.mp4", 70, 50, matrix=matrix, levels=levels)
    form = probe(path).form
    assert form.matrix == matrix
    assert (form.range == 2) == (levels == 2)
    np.testing.assert_array_equal(in_one_pass(path), of_decord(path))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_same_pixels_where_the_picture_is_turned(rotation: int, tmp_path: Path) -> None:
    pictures = np.random.default_rng(rotation).integers(0, 256, (4, 64, 96, 3), dtype=np.uint8)
    path = write_video(tmp_path / "video.mp4", 4, rotation=rotation, pictures=pictures)
    np.testing.assert_array_equal(in_one_pass(path), of_decord(path))


@pytest.mark.parametrize(
    ("pixels", "height", "options"),
    [
        ("yuv420p", 64, {"x264-params": "tff=1"}),
        ("yuv420p10le", 64, {}),
        ("yuv444p", 63, {}),
    ],
)
def test_what_the_two_scalers_see_differently_is_left_to_decord(
    pixels: str, height: int, options: dict[str, str], tmp_path: Path
) -> None:
    path = write_noise(tmp_path / "video.mp4", 64, height, pixels=pixels, options=options)
    assert not same_as_decord(probe(path))
    with open_video(path) as reader:
        assert isinstance(reader, DecordReader)
        np.testing.assert_array_equal(reader.frames_at(range(3)), of_decord(path))


@pytest.mark.parametrize("change", [{"height": 97}, {"width": 97}, {"interlaced": True}, {"pixels": "yuv420p10le"}])
def test_what_takes_another_way_through_the_scaler_is_left_to_decord(
    change: dict[str, int | str], tmp_path: Path
) -> None:
    probed = probe(write_noise(tmp_path / "video.mp4", 96, 96))
    assert same_as_decord(probed)
    assert not same_as_decord(replace(probed, form=probed.form._replace(**change)))


def test_a_colour_coding_that_pyav_refuses_is_left_to_decord(tmp_path: Path) -> None:
    path = write_noise(tmp_path / "video.mp4", 64, 48, matrix=10)
    with pytest.raises(OtherwiseError):
        in_one_pass(path)
    with open_video(path) as reader:
        np.testing.assert_array_equal(reader.frames_at(range(3)), of_decord(path))


PATTERNS = {
    "only forwards": {"bf": "0"},
    "both directions": {"preset": "medium", "bf": "3", "x264-params": "b-pyramid=normal"},
    "pictures in between that no other refers to": {"preset": "medium", "bf": "2", "x264-params": "b-pyramid=none"},
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("container", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_any_requests_in_any_order(
    pattern: str, container: str, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_pass, "THREADS", threads)
    path = write_video(tmp_path / f"video.{container}", 90, options=PATTERNS[pattern], gop=25)
    dice, expected = random.Random(f"{pattern} {container}"), of_decord(path)
    reader = OnePass(path, probe(path))
    for _ in range(60):
        wanted = sorted(dice.sample(range(90), dice.choice([1, 2, 5, 40])))
        np.testing.assert_array_equal(reader.frames(wanted), expected[wanted])
    for first in range(0, 90, 7):  # one request goes on where the last ended
        wanted = list(range(first, min(90, first + 7)))
        np.testing.assert_array_equal(reader.frames(wanted), expected[wanted])
    assert numbers_of(reader.frames(list(range(90)))) == list(range(90))
    reader.close()


def test_neither_backwards_nor_beyond_what_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "video.mp4", 100, gop=20, options={"bf": "0"})
    reader, read = OnePass(path, probe(path)), []
    monkeypatch.setattr(one_pass, "counts", lambda packet: read.append(packet) is None and counts(packet))
    held = one_pass.THREADS  # frames that the decoder holds back
    for wanted, at_most in (([3], 4 + held), ([8, 12], 9), ([85], 6 + held), ([30], 11 + held), (range(100), 100)):
        read.clear()
        assert numbers_of(reader.frames(list(wanted))) == list(wanted)
        assert len(read) <= at_most


def test_damage_is_left_to_decord(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", 40, container_options={"movflags": "faststart"})
    path = flip_bytes(whole, tmp_path / "video.mp4", at=0.5, count=100)
    with pytest.raises(OtherwiseError):
        in_one_pass(path)


@pytest.mark.parametrize("at", [number / 40 for number in range(12, 40)])
def test_what_comes_of_a_damaged_file_in_one_pass_is_what_decord_gives(at: float, tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", 40, container_options={"movflags": "faststart"})
    path = flip_bytes(whole, tmp_path / "video.mp4", at=at, count=2)
    with suppress(OtherwiseError):
        np.testing.assert_array_equal(in_one_pass(path), of_decord(path))
