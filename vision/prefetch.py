"""Frames that will be wanted soon are decoded in a thread, while whoever will ask for them does something else.

FFmpeg decodes and torch resizes without Python's lock, so the two really go on at once where a processor is free.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from videomind.roles.spec import View
from videomind.vision.base import VideoReader
from videomind.vision.cache import FrameCache
from videomind.vision.clip import Span, decode_frames, frame_keys

MAX_BYTES = 128 * 2**20

Opened = Callable[[], AbstractContextManager[VideoReader]]
"""Gives a video for as long as it is read: `partial(open_video, path)`, `partial(nullcontext, reader)`,
`partial(open_videos.reader, path, open_video)`."""


class Ahead:
    """Frames of one video that are decoded ahead. Made by `Prefetcher.want`."""

    def __init__(self, release: Callable[[Ahead], None]) -> None:
        self.cancelled = threading.Event()
        self._release = release
        self._future: Future[None] | None = None

    def settle(self) -> None:
        """To be called before the frames are asked for: waits for work that has begun, and drops it if it has not.

        What went wrong is not told here: what is missing is decoded, and fails again, when it is asked for.
        """
        if self._future is not None and not self._future.cancel():
            self._future.exception()
        self._release(self)

    def cancel(self) -> None:
        """The frames are no longer wanted; work that has begun ends soon. Does not wait."""
        self.cancelled.set()
        if self._future is not None:
            self._future.cancel()
        self._release(self)


class Prefetcher:
    """Decodes ahead into a cache of frames, video by video in the order asked for. Safe to share between threads.

    Args:
        cache: where the frames go, and where whoever asks for them looks first.
        max_bytes: of frames decoded ahead and neither settled nor cancelled; at most half the cache, so that they do
            not drive each other out.
        threads: videos in work at a time.
    """

    def __init__(self, cache: FrameCache, max_bytes: int = MAX_BYTES, threads: int = 1) -> None:
        self._cache, self._max_bytes = cache, min(max_bytes, cache.max_bytes // 2)
        self._pool = ThreadPoolExecutor(threads, "prefetch")
        self._reserved: dict[Ahead, int] = {}
        self._lock = threading.Lock()
        self._closed = False

    def want(self, opened: Opened, requests: Sequence[tuple[View, Span | None]]) -> Ahead:
        """Begins to decode, as soon as a thread is free, what these views of a video show. Returns at once.

        Where it would take more bytes than are left, or after `close`, nothing is done.

        Args:
            opened: gives the video; called in the thread.
            requests: for each clip how to look, and start and end in seconds (None = the whole video).
        """
        ahead = Ahead(self._free)
        most = sum(view.max_frames * max(view.min_pixels, view.max_pixels) * 3 for view, _ in requests)
        with self._lock:
            if not self._closed and sum(self._reserved.values()) + most <= self._max_bytes:
                self._reserved[ahead] = most
                ahead._future = self._pool.submit(self._decode, ahead, opened, tuple(requests), most)
        return ahead

    def close(self) -> None:
        """Cancels everything and ends the threads. The frames decoded stay in the cache."""
        with self._lock:
            self._closed = True
            waiting = list(self._reserved)
        for ahead in waiting:
            ahead.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _decode(self, ahead: Ahead, opened: Opened, requests: Sequence[tuple[View, Span | None]], most: int) -> None:
        with opened() as reader:
            keys = {key for view, span in requests for key in frame_keys(reader, view, span)}
            missing = {key for key in keys if self._cache.get(key) is None}
            for key, frame in decode_frames(reader, missing):
                most -= frame.nbytes
                if ahead.cancelled.is_set() or most < 0:
                    return
                self._cache.put(key, frame)

    def _free(self, ahead: Ahead) -> None:
        with self._lock:
            self._reserved.pop(ahead, None)
