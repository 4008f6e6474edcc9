"""Pictures of a result, in memory."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from PIL import Image

from tests.vision.media import number_of
from videomind.results import Result
from videomind.serve.evidence.pictures import frame_jpeg, poster_jpeg, strip_png, timeline_png, timeline_svg
from videomind.vision.array_backend import ArrayReader
from videomind.vision.base import VideoReader


def opened(data: bytes, kind: str) -> np.ndarray:
    picture = Image.open(io.BytesIO(data))
    assert picture.format == kind
    return np.asarray(picture.convert("RGB"))


def test_strip_and_timeline_are_wide_pictures(reader: VideoReader, result: Result) -> None:
    for data in (strip_png(reader, result), timeline_png(result)):
        height, width, _ = opened(data, "PNG").shape
        assert width > 2 * height


def test_a_timeline_can_be_drawn_to_scale_and_runs_nothing(result: Result) -> None:
    hostile = replace(result, question="<script>alert(1)</script> 什么时候 $x$?")
    drawing = timeline_svg(hostile)
    assert ET.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"
    assert b"<script" not in drawing
    assert b"http://www.w3.org/1999/xlink" in drawing


def test_a_frame_is_the_one_that_is_shown_at_its_time(reader: VideoReader) -> None:
    assert number_of(opened(frame_jpeg(reader, 2.3, width=128), "JPEG")) == 23
    assert number_of(opened(frame_jpeg(reader, 99.0, width=128), "JPEG")) == 39
    assert opened(frame_jpeg(reader, 1.0, width=64), "JPEG").shape == (48, 64, 3)


def test_a_poster_is_no_black_frame() -> None:
    frames = np.zeros((20, 96, 128, 3), dtype=np.uint8)
    frames[9:, :, 64:] = 255
    assert opened(poster_jpeg(ArrayReader(frames, 1.0)), "JPEG").mean() > 100


def test_a_poster_is_made_smaller() -> None:
    frames = np.zeros((2, 900, 1600, 3), dtype=np.uint8)
    assert opened(poster_jpeg(ArrayReader(frames, 1.0)), "JPEG").shape == (360, 640, 3)


def test_threads_may_draw_at_once(reader: VideoReader, result: Result) -> None:
    alone = strip_png(reader, result), timeline_png(result)
    with ThreadPoolExecutor(4) as pool:
        strips = [pool.submit(strip_png, reader, result) for _ in range(3)]
        timelines = [pool.submit(timeline_png, result) for _ in range(3)]
    assert {future.result() for future in strips} == {alone[0]}
    assert {future.result() for future in timelines} == {alone[1]}
