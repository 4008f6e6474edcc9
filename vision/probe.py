"""A first look at a file: is there a moving picture in it, of which codec and size, and which frames?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av

from videomind.errors import VideoError
from videomind.vision.index import StreamIndex, index_stream
from videomind.vision.stream import UNREADABLE, frames, open_container, packets, picture_stream


class Form(NamedTuple):
    """How a frame is stored.

    Attributes:
        width, height: pixels, before any rotation.
        pixels: FFmpeg's name of their format ("yuv420p", …).
        matrix, range: how colours are coded, by FFmpeg's numbers (AVColorSpace, AVColorRange).
        rotation: degrees by which the viewer turns it.
        interlaced: whether it holds two fields.
    """

    width: int
    height: int
    pixels: str
    matrix: int
    range: int
    rotation: int
    interlaced: bool


def form_of(frame: av.VideoFrame) -> Form:
    """How a frame is stored."""
    matrix, levels = int(frame.colorspace), int(frame.color_range)
    return Form(
        frame.width, frame.height, frame.format.name, matrix, levels, frame.rotation, bool(frame.interlaced_frame)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """The picture stream of a file, as its header and its first frame tell.

    Attributes:
        container: FFmpeg's name of the file format ("mpegts", "matroska,webm", …).
        codec: FFmpeg's name of the codec ("h264", "av1", …).
        width: pixels, as the viewer sees it (rotation applied).
        height: pixels, likewise.
        form: how the first frame is stored.
        rate: average frames per second as the header claims; 0 if it says nothing.
        index: its frames.
    """

    container: str
    codec: str
    width: int
    height: int
    form: Form
    rate: float
    index: StreamIndex


def probe(path: Path) -> Probe:
    """Reads through a file once, and decodes the first frame on the way.

    Raises:
        VideoError: it is empty, no video, has sound only, or not one frame of it can be decoded.
    """
    if path.stat().st_size == 0:
        raise VideoError(f"{path}: the file is empty (0 bytes); give a video such as .mp4, .mkv or .webm")
    seen: list[av.VideoFrame] = []
    with open_container(path) as container:
        stream = picture_stream(container, path)
        index = index_stream(_looking(packets(container, stream), stream, seen), stream, path)
        codec = str(stream.codec_context.codec.canonical_name)
        rate, name = float(stream.average_rate or 0), str(container.format.name)
    if not seen:
        with open_container(path) as container:
            seen.extend(islice(frames(packets(container, picture_stream(container, path))), 1))
    if not seen:
        raise VideoError(
            f"{path}: not one frame of its {codec} stream can be decoded, the file is damaged; give an undamaged copy"
        )
    form = form_of(seen[0])
    turned = form.rotation % 180 != 0
    width, height = (form.height, form.width) if turned else (form.width, form.height)
    return Probe(name, codec, width, height, form, rate, index)


def _looking(read: Iterable[av.Packet], stream: av.VideoStream, seen: list[av.VideoFrame]) -> Iterator[av.Packet]:
    """The packets; on the way the first keyframe that can be decoded alone is put into `seen`."""
    decoder = stream.codec_context
    decoder.thread_type = "NONE"
    for packet in read:
        if not seen and packet.is_keyframe:
            with suppress(*UNREADABLE):
                seen.extend([*decoder.decode(packet), *decoder.decode(None)])
            decoder.flush_buffers()
        yield packet
