"""What a file holds, by its packets alone: when each frame is shown and where decoding can start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from videomind.errors import VideoError


@dataclass(frozen=True, slots=True, eq=False)
class StreamIndex:
    """The picture stream of a file, frame by frame.

    Attributes:
        pts: when each frame is shown, in ticks, ascending: int64 [num_frames].
        places: which packet each frame is, counted in file order: int64 [num_frames].
        keys: those of them at which decoding can start.
        tick: seconds of one tick.
        end: when the last frame ends, in seconds after the first begins.
        closed: whether every frame is shown after the keyframe that it follows in the file.
        complete: whether there are as many frames as the file's header says, or more.
    """

    pts: np.ndarray
    places: np.ndarray
    keys: np.ndarray
    tick: float
    end: float
    closed: bool
    complete: bool

    @property
    def seconds(self) -> np.ndarray:
        """When each frame is shown, in seconds after the first: float64 [num_frames]."""
        times: np.ndarray = (self.pts - self.pts[0]) * self.tick
        return times

    @property
    def key_frames(self) -> np.ndarray:
        """Numbers of the frames at which decoding can start: int64, ascending."""
        numbers: np.ndarray = np.searchsorted(self.pts, self.keys)
        return numbers


def counts(packet: av.Packet) -> bool:
    """Whether a packet is a frame that is shown."""
    return bool(packet.size) and not packet.is_discard and (packet.pts, packet.dts) != (None, None)


def shown_at(packet: av.Packet) -> int | None:
    """When a packet's frame is shown, in ticks."""
    ticks: int | None = packet.dts if packet.pts is None else packet.pts
    return ticks


def index_stream(read: Iterable[av.Packet], stream: av.VideoStream, path: Path) -> StreamIndex:
    """Notes what the packets of a stream say of themselves; nothing is decoded.

    Raises:
        VideoError: there is no packet in the stream.
    """
    shown = [(shown_at(packet), packet.duration or 0, packet.is_keyframe) for packet in read if counts(packet)]
    if not shown:
        raise VideoError(f"{path}: its picture stream is empty; give an undamaged copy")
    pts, durations, is_key = (np.array(column, dtype=np.int64) for column in zip(*shown, strict=True))
    order = np.argsort(pts, kind="stable")
    tick = float(stream.time_base)
    return StreamIndex(
        pts=pts[order],
        places=order,
        keys=np.sort(pts[is_key == 1]) if is_key.any() else pts[order][:1],
        tick=tick,
        end=float(pts[order[-1]] + durations[order[-1]] - pts[order[0]]) * tick,
        closed=_closed(pts, is_key),
        complete=stream.frames <= len(pts),
    )


def _closed(pts: np.ndarray, is_key: np.ndarray) -> bool:
    places = np.maximum.accumulate(np.where(is_key == 1, np.arange(len(pts)), 0))
    return bool((pts >= pts[places]).all())
