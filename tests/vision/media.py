"""Tiny videos whose frames carry their own number, so that a test can tell which frame it was given.

The upper half of frame i shows i in binary, as eight black or white blocks (lowest bit at the left). The
lower half is red at the left and blue at the right, so that a turned picture is seen at once.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.stream
import numpy as np

WIDTH, HEIGHT = 128, 96
BITS = 8


def numbered_frame(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The picture of frame `number`: uint8 [height, width, 3], RGB."""
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    block = width // BITS
    for bit in range(BITS):
        if number >> bit & 1:
            frame[: height // 2, bit * block : (bit + 1) * block] = 255
    frame[height // 2 :, : width // 2] = (220, 30, 30)
    frame[height // 2 :, width // 2 :] = (30, 30, 220)
    return frame


def numbered_frames(count: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The first `count` pictures: uint8 [count, height, width, 3]."""
    return np.stack([numbered_frame(i, width, height) for i in range(count)])


def number_of(frame: np.ndarray) -> int:
    """Which frame this picture [H, W, 3] is; fails where the picture is turned or torn."""
    height, width = frame.shape[:2]
    left, right = frame[height * 3 // 4, width // 4], frame[height * 3 // 4, width * 3 // 4]
    assert left[0] > 120 > left[2], f"lower left is {left}, not red"
    assert right[2] > 120 > right[0], f"lower right is {right}, not blue"
    block = width / BITS
    middles = [int((bit + 0.5) * block) for bit in range(BITS)]
    return sum(1 << bit for bit, x in enumerate(middles) if frame[height // 4, x].mean() > 127)


def numbers_of(frames: np.ndarray) -> list[int]:
    """Which frames these pictures [T, H, W, 3] are."""
    return [number_of(frame) for frame in frames]


def write_video(
    path: Path,
    count: int,
    *,
    codec: str = "libx264",
    fps: int = 10,
    ticks: Sequence[int] | None = None,
    rotation: int = 0,
    gop: int = 8,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pictures: np.ndarray | None = None,
    sound: bool = False,
) -> Path:
    """Writes `count` numbered frames.

    Args:
        path: the file to write; its suffix picks the container.
        count: how many frames.
        codec: name of the encoder.
        fps: frames per second.
        ticks: time of each frame in units of 1/(10·fps) seconds, for uneven frame rates; None = even.
        rotation: how far the viewer turns the stored picture, degrees clockwise.
        gop: frames from one keyframe to the next.
        options: options of the encoder.
        container_options: options of the container.
        pictures: uint8 [count, H, W, 3] to be written instead of the numbered frames.
        sound: whether a tone goes with it.
    """
    tuned = {
        "libx264": {"preset": "ultrafast", "crf": "18"},
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
        "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
        "libsvtav1": {"preset": "8", "crf": "18", "svtav1-params": "lp=1"},
    }.get(codec, {})
    pictures = numbered_frames(count) if pictures is None else pictures
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options={**tuned, **(options or {})})
        stream.height, stream.width = pictures.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.gop_size = gop
        stream.time_base = Fraction(1, 10 * fps)
        stream.codec_context.time_base = Fraction(1, 10 * fps)
        if rotation:
            stream.set_display_rotation(float(rotation))
        audio = container.add_stream("aac", rate=16000, layout="mono") if sound else None
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = ticks[i] if ticks else i * 10
            frame.time_base = Fraction(1, 10 * fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None:
            _mux_tone(container, audio, count / fps)
    return path


def _mux_tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    rate, block = 16000, 1024
    tone = np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate).astype(np.float32) * 0.2
    for start in range(0, len(tone) - block, block):
        frame = av.AudioFrame.from_ndarray(tone[None, start : start + block], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def write_sound(path: Path, seconds: float = 1.0) -> Path:
    """Writes a file that holds a tone and no picture."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\x00\x10" * int(8000 * seconds))
    return path


def write_song(path: Path) -> Path:
    """Writes a tone with a cover picture (.mp3)."""
    with av.open(str(path), "w") as container:
        audio = container.add_stream("libmp3lame", rate=16000, layout="mono")
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = WIDTH, HEIGHT, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(numbered_frame(0), format="rgb24")
        picture.pts = 0
        container.mux(cover.encode(picture))
        container.mux(cover.encode())
        _mux_tone(container, audio, 1.0)
    return path


def cut_tail(source: Path, path: Path, keep: float) -> Path:
    """Writes the first part of a file, as an interrupted download leaves it (`keep`: share of its bytes)."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def flip_bytes(source: Path, path: Path, at: float, count: int = 64) -> Path:
    """Writes a copy in which `count` bytes at the share `at` of the file are inverted."""
    data = bytearray(source.read_bytes())
    first = int(len(data) * at)
    data[first : first + count] = bytes(255 - byte for byte in data[first : first + count])
    path.write_bytes(data)
    return path
