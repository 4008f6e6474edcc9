"""A first look at a file: is there a moving picture in it, of which codec and size, and which frames?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from videomind.errors import VideoError
from videomind.vision.index import StreamIndex, index_stream
from videomind.vision.stream import frames, open_container, packets, picture_stream


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """The picture stream of a file.

    Attributes:
        container: FFmpeg's name of the file format ("mpegts", "matroska,webm", …).
        codec: FFmpeg's name of the codec ("h264", "av1", …).
        width: pixels, as the viewer sees it (rotation applied).
        height: pixels, likewise.
        rate: average frames per second as the header claims; 0 if it says nothing.
        index: its frames.
    """

    container: str
    codec: str
    width: int
    height: int
    rate: float
    index: StreamIndex


def probe(path: Path) -> Probe:
    """Reads through a file and decodes its first frame.

    Raises:
        VideoError: it is empty, no video, has sound only, or not one frame of it can be decoded.
    """
    if path.stat().st_size == 0:
        raise VideoError(f"{path}: the file is empty (0 bytes); give a video such as .mp4, .mkv or .webm")
    with open_container(path) as container:
        index = index_stream(container, picture_stream(container, path), path)
    with open_container(path) as container:
        stream = picture_stream(container, path)
        codec = str(stream.codec_context.codec.canonical_name)
        frame = next(frames(packets(container, stream)), None)
        if frame is None:
            raise VideoError(
                f"{path}: not one frame of its {codec} stream can be decoded, the file is damaged; "
                "give an undamaged copy"
            )
        turned = frame.rotation % 180 != 0
        width, height = (frame.height, frame.width) if turned else (frame.width, frame.height)
        return Probe(str(container.format.name), codec, width, height, float(stream.average_rate or 0), index)
