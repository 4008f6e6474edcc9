"""A copy of a video that browsers play: H.264 and AAC in MP4, with its index in front."""

from __future__ import annotations

from pathlib import Path

import av

from videomind.vision.export_encode import encode_span
from videomind.vision.probe import probe
from videomind.vision.stream import UNREADABLE, open_container, picture_stream, sound_stream

MAX_WIDTH = 1280


def write_playable(source: Path, out: Path) -> None:
    """Copies the streams where they are of the right kind, else encodes them, at most 1280 pixels wide.

    Raises:
        VideoError: it cannot be read.
        FFmpegError: it cannot be decoded, or the copy cannot be written.
    """
    if _is_right(source):
        try:
            return _copy(source, out)
        except UNREADABLE:  # for instance frames without times, as AVI has them
            out.unlink(missing_ok=True)
    probed = probe(source)
    shrink = min(1.0, MAX_WIDTH / probed.width)
    size = max(2, round(probed.width * shrink)), max(2, round(probed.height * shrink))
    encoded = out.with_name(f"encoded-{out.name}")
    encode_span(source, encoded, size, 0.0, float("inf"))
    return _copy(encoded, out)


def _is_right(source: Path) -> bool:
    with open_container(source) as container:
        picture, sound = picture_stream(container, source).codec_context, sound_stream(container)
        codec = picture.codec.canonical_name, picture.pix_fmt
        heard = None if sound is None or sound.codec_context is None else sound.codec_context.codec.canonical_name
    return codec == ("h264", "yuv420p") and (sound is None or heard in ("aac", "mp3"))


def _copy(source: Path, out: Path) -> None:
    with open_container(source) as container, av.open(str(out), "w", options={"movflags": "faststart"}) as copy:
        wanted = [s for s in (picture_stream(container, source), sound_stream(container)) if s is not None]
        copies = {stream.index: copy.add_stream_from_template(stream) for stream in wanted}
        for packet in container.demux(*wanted):
            if packet.size:
                packet.stream = copies[packet.stream.index]
                copy.mux(packet)
