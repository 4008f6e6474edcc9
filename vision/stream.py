"""The picture stream of a file through PyAV; what cannot be read of it is skipped, the rest is kept."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

import av
import av.error
import av.stream

from videomind.errors import VideoError

UNREADABLE = (av.error.FFmpegError, EOFError, OSError, ValueError, IndexError)
"""What PyAV raises on files that are damaged or no media."""
UNINDEXED = frozenset({"mpegts", "mpeg"})
"""Formats without an index of keyframes: a seek may land too late."""
PATIENCE = 1000
"""After this many failed reads in a row the rest of a file is given up."""


def open_container(path: Path) -> av.container.InputContainer:
    """Opens a media file.

    Raises:
        VideoError: it is not one, or its index is missing.
    """
    try:
        return av.open(str(path), metadata_errors="replace")
    except UNREADABLE:
        raise VideoError(
            f"{path}: not a video, or cut off before its index was written; "
            "give a complete .mp4, .mkv, .webm, .mov, .avi or .gif file"
        ) from None


def picture_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The video stream that a player would show; a cover picture of a sound file does not count.

    Raises:
        VideoError: there is none.
    """
    stream = container.streams.best("video")
    if stream is None or stream.disposition & av.stream.Disposition.attached_pic:
        raise VideoError(f"{path}: no moving picture in it (sound only?); give a file with a video track")
    if stream.codec_context is None:
        raise VideoError(f"{path}: its picture is of an unknown codec; convert it to H.264 in .mp4")
    return stream


def sound_stream(container: av.container.InputContainer) -> av.AudioStream | None:
    """The audio stream that a player would play, if there is one."""
    return container.streams.best("audio")


def packets(container: av.container.InputContainer, stream: av.Stream) -> Iterator[av.Packet]:
    """The packets that can be read, in file order; at last the empty packet that flushes the decoder."""
    failures = 0
    while failures < PATIENCE:
        try:
            for packet in container.demux(stream):
                failures = 0
                yield packet
        except UNREADABLE:
            failures += 1
        else:
            return


def from_keyframe(read: Iterator[av.Packet]) -> Iterator[av.Packet]:
    """Leaves out what cannot be decoded after a seek that did not land on a keyframe."""
    return dropwhile(lambda packet: packet.size and not packet.is_keyframe, read)


def frames(read: Iterator[av.Packet]) -> Iterator[av.Frame]:
    """The frames that can be decoded from these packets, in the order they are shown or heard."""
    for packet in read:
        try:
            decoded = packet.decode()
        except UNREADABLE:
            continue
        yield from (frame for frame in decoded if frame.pts is not None)


def seek(container: av.container.InputContainer, stream: av.Stream, pts: int) -> None:
    """Goes to the last keyframe up to this time (ticks), or stays at the start where that is uncertain."""
    if container.format.name not in UNINDEXED:
        container.seek(pts, stream=stream)
