"""Opening a file from outside: nothing but that file is read, and what it claims is checked before it is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import av.stream

from videomind.errors import VideoError
from videomind.serve.media.sniff import HEAD, sniff
from videomind.serve.sandbox.limits import Limits
from videomind.vision.base import VideoReader
from videomind.vision.gif_backend import GifReader
from videomind.vision.reader import open_video
from videomind.vision.stream import UNREADABLE, picture_stream, sound_stream

CONTAINERS = "mov,matroska,avi,mpegts,mpeg,gif,flv,asf,ogg"
"""FFmpeg's formats that are opened, each a single file. Playlists (hls, dash, concat, …) open others, and URLs."""
CONFINED = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
PLAYABLE = {
    "mp4": ({"h264", "av1", "vp9"}, {"aac", "mp3", "opus", "flac"}),
    "webm": ({"vp8", "vp9", "av1"}, {"vorbis", "opus"}),
}
"""Codecs of picture and sound that browsers play, by container."""
PLAIN_PIXELS = frozenset({"yuv420p", "yuvj420p"})


def open_untrusted(path: Path, limits: Limits) -> tuple[VideoReader, dict[str, Any]]:
    """The frames of a file, and what it is, as `MediaInfo` has it.

    Raises:
        VideoError: it is no video of a kind taken here, or more than the limits allow.
    """
    facts = check(path, limits)
    reader = GifReader(path) if facts["kind"] == "gif" else open_video(path)
    reader.keep_bytes = 0  # whoever asks keeps what is worth it
    facts |= {"duration": reader.duration, "fps": reader.fps, "frames": reader.num_frames}
    facts |= {"width": reader.width, "height": reader.height}
    _check_size(path, limits, facts["duration"], facts["frames"], reader.width, reader.height)
    return reader, facts


def check(path: Path, limits: Limits) -> dict[str, Any]:
    """Container, codec and whether browsers play it, from the file's header alone.

    Raises:
        VideoError: as `open_untrusted`.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = sniff(head)
    if kind is None:
        raise VideoError(f"{path}: not a video that is taken here; give an .mp4, .mov, .webm, .mkv, .avi or .gif file")
    if kind == "gif":
        width, height = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
        _check_size(path, limits, 0, 0, width, height)
        return {"kind": kind, "codec": "gif", "playable": False}
    with _open(path) as container:
        stream = picture_stream(container, path)
        claimed = max(float(container.duration or 0) / av.time_base, float((stream.duration or 0) * stream.time_base))
        _check_size(path, limits, claimed, stream.frames, stream.codec_context.width, stream.codec_context.height)
        codec = str(stream.codec_context.codec.canonical_name)
        return {"kind": kind, "codec": codec, "playable": _playable(container, stream, kind, codec)}


def _open(path: Path) -> av.container.InputContainer:
    try:
        return av.open(str(path), metadata_errors="replace", options=CONFINED)
    except MemoryError:  # which is among FFmpeg's errors too
        raise
    except UNREADABLE:
        raise VideoError(
            f"{path}: not a video, or cut off before its index was written; give a complete file"
        ) from None


def _check_size(path: Path, limits: Limits, seconds: float, frames: int, width: int, height: int) -> None:
    if seconds > limits.max_seconds:
        raise VideoError(
            f"{path}: it lasts {seconds / 60:.1f} min, at most {limits.max_seconds / 60:.1f} min are taken: "
            "give a part of it"
        )
    if frames > limits.max_frames:
        raise VideoError(f"{path}: it has {frames} frames, at most {limits.max_frames} are taken: give a part of it")
    if width * height > limits.max_pixels:
        raise VideoError(
            f"{path}: its picture is {width}×{height}, at most {limits.max_pixels / 1e6:.1f} million pixels are taken: "
            "give a smaller one"
        )


def _playable(container: av.container.InputContainer, stream: av.VideoStream, kind: str, codec: str) -> bool:
    pictures, sounds = PLAYABLE.get(kind, (set(), set()))
    sound = sound_stream(container)
    heard = sound is None or (sound.codec_context is not None and sound.codec_context.codec.canonical_name in sounds)
    return codec in pictures and stream.codec_context.pix_fmt in PLAIN_PIXELS and heard
