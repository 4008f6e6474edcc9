"""Clips, the resized frames that one role sees of a video; and the loading of several in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

import numpy as np

from videomind.roles.spec import View
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache, FrameKey
from videomind.vision.resize import resize_frames
from videomind.vision.sampling import sample_indices, smart_resize

PATCH = 14
"""Side of a visual patch in pixels."""
CHUNK_BYTES = 16 * 2**20
"""Bytes of full-size frames held at a time while loading."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """What a role sees of a video.

    Attributes:
        frames: uint8 [T, H, W, 3], RGB, resized for the view.
        indices: number of each frame in the video.
        span: start and end of the part seen, in seconds.
        fps: average frames per second of the video.
        content: hash of the video's content.
    """

    frames: np.ndarray
    indices: tuple[int, ...]
    span: Span
    fps: float
    content: str

    @property
    def key(self) -> tuple[str, tuple[int, ...], int, int]:
        """Equal for clips of equal frames: content hash, frame numbers, height, width."""
        return self.content, self.indices, self.frames.shape[1], self.frames.shape[2]

    @property
    def num_pairs(self) -> int:
        """Frame pairs; a last frame without partner counts as a pair."""
        return (len(self.frames) + 1) // 2

    @property
    def grid(self) -> tuple[int, int, int]:
        """(T, h, w) of its patches: frame pairs, rows, columns."""
        return self.num_pairs, self.frames.shape[1] // PATCH, self.frames.shape[2] // PATCH


def load_clip(reader: VideoReader, view: View, span: Span | None = None, cache: FrameCache | None = None) -> Clip:
    """What one role sees of the video, or of one span (seconds) of it. See `load_clips`."""
    return load_clips(reader, [(view, span)], cache)[0]


def load_clips(
    reader: VideoReader, requests: Sequence[tuple[View, Span | None]], cache: FrameCache | None = None
) -> list[Clip]:
    """Several clips of one video; each frame that any of them needs is decoded once, from front to back.

    Args:
        reader: the video.
        requests: for each clip how to look, and start and end in seconds (None = the whole video).
        cache: frames at hand from earlier; new ones are added.

    Raises:
        VideoError: a frame cannot be decoded, or the picture is too long and narrow.
    """
    content = reader.content_hash
    keys = [frame_keys(reader, view, span) for view, span in requests]
    frames = _fetch(reader, {key for clip in keys for key in clip}, cache)
    return [
        Clip(
            frames=np.stack([frames[key] for key in clip]),
            indices=tuple(key.frame for key in clip),
            span=(0.0, reader.duration) if span is None else span,
            fps=reader.fps,
            content=content,
        )
        for clip, (_, span) in zip(keys, requests, strict=True)
    ]


def frame_keys(reader: VideoReader, view: View, span: Span | None) -> list[FrameKey]:
    """The frames of one clip, in order."""
    content = reader.content_hash
    height, width = smart_resize(reader.height, reader.width, view.min_pixels, view.max_pixels)
    indices = sample_indices(reader.num_frames, reader.fps, view, span).tolist()
    return [FrameKey(content, index, height, width) for index in indices]


def _fetch(reader: VideoReader, keys: set[FrameKey], cache: FrameCache | None) -> dict[FrameKey, np.ndarray]:
    found = {key: frame for key in keys if cache is not None and (frame := cache.get(key)) is not None}
    for key, frame in decode_frames(reader, keys - found.keys()):
        found[key] = frame
        if cache is not None:
            cache.put(key, frame)
    return found


def decode_frames(reader: VideoReader, keys: Set[FrameKey]) -> Iterator[tuple[FrameKey, np.ndarray]]:
    """Decodes frames of one video in ascending order, a bounded number in full size at a time, and resizes them."""
    content = reader.content_hash
    indices = sorted({key.frame for key in keys})
    sizes = sorted({(key.height, key.width) for key in keys})
    step = max(1, CHUNK_BYTES // (reader.height * reader.width * 3))
    for start in range(0, len(indices), step):
        chunk = indices[start : start + step]
        pictures = reader.frames_at(chunk)
        for height, width in sizes:
            chosen = [i for i, index in enumerate(chunk) if FrameKey(content, index, height, width) in keys]
            source = pictures if len(chosen) == len(chunk) else pictures[chosen]
            for i, frame in zip(chosen, resize_frames(source, height, width), strict=True):
                yield FrameKey(content, chunk[i], height, width), frame
