"""Chosen frames of a sound H.264 file in one pass from front to back: decord's pixels in a fraction of its time.

The H.264 standard fixes every bit of a decoded picture, and `same_as_decord` says when PyAV makes the same RGB of it.
What saves time: several threads decode; a picture that no other refers to is passed over unless it is
wanted; of a group of pictures nothing is decoded beyond the last one wanted; and only what is wanted becomes RGB.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Set
from pathlib import Path

import av
import numpy as np

from videomind.vision.index import counts, shown_at
from videomind.vision.probe import Probe, form_of
from videomind.vision.rgb import ToRgb
from videomind.vision.stream import UNREADABLE, open_container, packets, picture_stream

THREADS = min(os.cpu_count() or 1, 4)
"""Threads of a decoder; each more takes memory, and saves less."""
PIXELS = frozenset({"yuv420p", "yuvj420p"})
"""What FFmpeg 4.1, which is in decord, and PyAV's turn into the same RGB, where height and width are even."""


class OtherwiseError(Exception):
    """Decord may give other frames of this file: it is damaged, interlaced, or changes on its way."""


def same_as_decord(probed: Probe) -> bool:
    """Whether `OnePass` gives decord's pixels of a file, as long as it does not raise `OtherwiseError`.

    Interlaced pictures, more than 8 bits and odd heights take other ways through the two versions of FFmpeg's scaler;
    tests/vision/test_one_pass.py tries sizes, colour matrices and ranges.
    """
    form, index = probed.form, probed.index
    plain = form.pixels in PIXELS and form.height % 2 == 0 and form.width % 2 == 0 and not form.interlaced
    from_start = bool((index.places[index.key_frames] == 0).any())
    distinct = bool((np.diff(index.pts) > 0).all())
    return probed.codec == "h264" and plain and index.closed and from_start and distinct


class OnePass:
    """Decodes a file on from where the last request ended, and goes back only where it must. Not for several threads.

    Args:
        path: the file.
        probed: what it holds; `same_as_decord` says yes.

    Raises:
        VideoError: the file cannot be opened.
    """

    def __init__(self, path: Path, probed: Probe) -> None:
        self._form, self._size = probed.form, (probed.height, probed.width)
        index = probed.index
        self._numbers = {pts: number for number, pts in enumerate(index.pts.tolist())}
        self._places = index.places
        self._ticks = index.pts[np.argsort(index.places)]
        self._keys = np.sort(index.places[index.key_frames])
        self._to_rgb = ToRgb(probed.width, probed.height)
        self._container = open_container(path)
        self._stream = picture_stream(self._container, path)
        self._decoder = self._stream.codec_context
        self._decoder.thread_type, self._decoder.thread_count = ("FRAME", THREADS) if THREADS > 1 else ("NONE", 1)
        self._decoder.options = {"err_detect": "explode"}  # what is not sound is left to decord
        self._read = packets(self._container, self._stream)
        self._fed = -1
        self._inside: set[int] = set()
        self._beyond: dict[int, av.VideoFrame] = {}

    def frames(self, indices: list[int]) -> np.ndarray:
        """The frames at these ascending, distinct indices: uint8 [len(indices), height, width, 3], RGB.

        Raises:
            OtherwiseError: decord may give others. The file is to be left to it from now on.
        """
        out = np.empty((len(indices), *self._size, 3), dtype=np.uint8)
        slots = {number: slot for slot, number in enumerate(indices)}
        try:
            for number, frame in self._decoded(slots.keys()):
                if frame.is_corrupt or form_of(frame) != self._form:
                    raise OtherwiseError
                out[slots.pop(number)] = self._to_rgb(frame)
        except UNREADABLE:
            raise OtherwiseError from None
        if slots:
            raise OtherwiseError
        return out

    def close(self) -> None:
        """Frees the file."""
        self._beyond.clear()
        self._container.close()

    def _decoded(self, wanted: Set[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """These frames in the order in which they are shown, as far as they can be decoded.

        Places are those of packets in the file. The decoder holds frames back, so some that come after the last one
        wanted are decoded too; they are kept for the next request (`_beyond`), or still held back then (`_inside`).
        """
        missing = set(wanted)
        at_hand, self._beyond = self._beyond, {}
        for number in at_hand.keys() & missing:
            missing.discard(number)
            yield number, at_hand[number]
        due = deque(np.sort(self._places[sorted(missing - self._inside)]).tolist())
        while missing:
            over = not due and self._fed == len(self._ticks) - 1
            for frame in self._drain() if over else self._advance(due):
                number = self._numbers.get(frame.pts, -1)
                self._inside.discard(number)
                if number in missing:
                    missing.discard(number)
                    yield number, frame
                elif not due:
                    self._beyond[number] = frame
            if over:
                return

    def _advance(self, due: deque[int]) -> list[av.VideoFrame]:
        """Decodes the next packet, or goes to where it makes sense again; gives what the decoder gives."""
        if due and not self._leads_to(due[0]):
            return self._jump(self._key_before(due[0]))
        packet = next(self._read, None)
        number = self._numbers.get(shown_at(packet)) if packet is not None and counts(packet) else None
        if packet is None or number is None:
            raise OtherwiseError
        place = int(self._places[number])
        if place <= self._fed:  # on the way to where a jump goes
            return []
        if place != self._fed + 1:
            raise OtherwiseError
        self._fed = place
        wanted = not due or place == due[0]
        if wanted:
            self._inside.add(number)
        if due and place == due[0]:
            due.popleft()
        self._decoder.skip_frame = "DEFAULT" if wanted else "NONREF"
        came: list[av.VideoFrame] = self._decoder.decode(packet)
        return came

    def _key_before(self, place: int) -> int:
        return int(self._keys[np.searchsorted(self._keys, place, side="right") - 1])

    def _leads_to(self, place: int) -> bool:
        """Whether all that this frame is built of has been decoded, or comes next."""
        return self._key_before(place) - 1 <= self._fed < place

    def _jump(self, key: int) -> list[av.VideoFrame]:
        """Goes to a keyframe: reads on where it is the next one, else seeks. Gives what the decoder still held."""
        came = self._drain()
        if not (self._fed < key and self._key_before(key - 1) <= self._fed):
            self._container.seek(int(self._ticks[key]), stream=self._stream)
            self._read = packets(self._container, self._stream)
        self._fed = key - 1
        return came

    def _drain(self) -> list[av.VideoFrame]:
        came: list[av.VideoFrame] = self._decoder.decode(None) if self._inside else []
        self._decoder.flush_buffers()
        self._inside.clear()
        return came
