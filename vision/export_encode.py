"""A span of a file decoded and encoded again, exact to the frame."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from videomind.vision.rgb import ToRgb
from videomind.vision.stream import frames, open_container, packets, picture_stream, seek, sound_stream

QUALITY = {"crf": "18", "preset": "veryfast"}


def encode_span(source: Path, out: Path, size: tuple[int, int], start: float, end: float) -> None:
    """Encodes picture (H.264) and sound (AAC) from `start` to `end` (seconds from the first frame).

    Args:
        source: the video.
        out: the clip.
        size: width and height of the picture as the viewer sees it; an odd last line or column is cut off.
        start: seconds.
        end: seconds.

    Raises:
        FFmpegError: nothing of the span can be decoded, or the clip cannot be written.
    """
    with (
        open_container(source) as container,
        open_container(source) as again,  # the sound is read on its own
        av.open(str(out), "w") as clip,
    ):
        picture = picture_stream(container, source)
        sound = sound_stream(again)
        zero = float((picture.start_time or 0) * picture.time_base)
        rate = picture.average_rate or picture.guessed_rate or Fraction(25)
        film = clip.add_stream("libx264", rate=rate, options=QUALITY)
        film.pix_fmt = "yuv420p"
        film.width, film.height = size[0] // 2 * 2, size[1] // 2 * 2
        film.codec_context.time_base = picture.time_base
        tone = None if sound is None else clip.add_stream("aac", rate=sound.rate, layout=sound.layout)
        shown = _shown(container, picture, zero + start, zero + end)
        _encode_picture(shown, size, clip, film, zero + start)
        if tone is not None:
            _encode_sound(_heard(again, sound, zero + start, zero + end), clip, tone)


def _shown(
    container: av.container.InputContainer, stream: av.VideoStream, start: float, end: float
) -> Iterator[av.VideoFrame]:
    """Frames shown between two times (seconds), beginning with the one that is on the screen at the first."""
    seek(container, stream, int(start / stream.time_base))
    waiting = None
    for frame in frames(packets(container, stream)):
        if frame.time >= end - 1e-6:
            break
        if waiting is not None and frame.time > start + 1e-6:
            yield waiting
        waiting = frame
    if waiting is not None:
        yield waiting


def _encode_picture(
    shown: Iterator[av.VideoFrame],
    size: tuple[int, int],
    clip: av.container.OutputContainer,
    film: av.VideoStream,
    start: float,
) -> None:
    to_rgb = ToRgb(*size)
    for frame in shown:
        pixels = to_rgb(frame)[: film.height, : film.width]
        fresh = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        fresh.time_base = frame.time_base
        fresh.pts = max(0, frame.pts - round(start / frame.time_base))
        clip.mux(film.encode(fresh))
    clip.mux(film.encode())


def _heard(
    container: av.container.InputContainer, stream: av.AudioStream, start: float, end: float
) -> Iterator[av.AudioFrame]:
    seek(container, stream, int(start / stream.time_base))
    for frame in frames(packets(container, stream)):
        if frame.time >= end:
            return
        if frame.time >= start:
            yield frame


def _encode_sound(heard: Iterator[av.AudioFrame], clip: av.container.OutputContainer, tone: av.AudioStream) -> None:
    resampler = av.AudioResampler(format="fltp", layout=tone.layout, rate=tone.rate)
    for frame in heard:
        frame.pts = None
        for fresh in resampler.resample(frame):
            clip.mux(tone.encode(fresh))
    clip.mux(tone.encode())
