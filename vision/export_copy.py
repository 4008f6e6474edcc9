"""A span of a file copied packet by packet, without decoding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av

from videomind.vision.stream import open_container, picture_stream, seek, sound_stream


def copy_span(source: Path, out: Path, start: float, end: float) -> None:
    """Copies picture and sound from the keyframe at `start` up to `end` (seconds from the first frame).

    Raises:
        FFmpegError, ValueError: the new container cannot hold these streams.
    """
    with open_container(source) as container, av.open(str(out), "w") as clip:
        picture = picture_stream(container, source)
        wanted = [stream for stream in (picture, sound_stream(container)) if stream is not None]
        copies = {stream.index: clip.add_stream_from_template(stream) for stream in wanted}
        zero = float((picture.start_time or 0) * picture.time_base) + start
        seek(container, picture, int(zero / picture.time_base))
        for packet in _within(container, wanted, zero, zero + end - start):
            ticks = round(zero / packet.time_base)
            packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
            packet.stream = copies[packet.stream.index]
            clip.mux(packet)


def _within(
    container: av.container.InputContainer, streams: list[av.Stream], start: float, end: float
) -> Iterator[av.Packet]:
    """Packets in the order of decoding, from those shown at `start` to those decoded at `end` (seconds)."""
    running = {stream.index for stream in streams}
    for packet in container.demux(*streams):
        if None in (packet.pts, packet.dts) or packet.stream_index not in running:
            continue
        if packet.dts * packet.time_base >= end:
            running.discard(packet.stream_index)
            if not running:
                return
        elif packet.pts * packet.time_base >= start - 1e-6:
            yield packet
