"""The videos of the next batch are decoded in other processes while the model works on the one before."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from queue import Queue
from types import TracebackType
from typing import Self

import numpy as np

from videomind.child_process import end_with_parent
from videomind.errors import VideoError
from videomind.evaluation.run.batches import Batch
from videomind.evaluation.run.line import opened_plainly
from videomind.roles.spec import View
from videomind.vision.ahead import MAX_BYTES, decode_ahead
from videomind.vision.cache import FrameKey

Frames = list[tuple[FrameKey, np.ndarray]]


class Ahead:
    """Decodes ahead in processes of its own.

    Args:
        views: how the roles look at videos.
        processes: how many; 0 = nothing is decoded ahead.
    """

    def __init__(self, views: Sequence[View], processes: int) -> None:
        self._views = tuple(views)
        context = get_context("spawn")
        self._pool = ProcessPoolExecutor(processes, context, initializer=end_with_parent) if processes else None

    def follow(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, Frames]]:
        """The batches with their frames; the next batch is taken, and decoding begun, as soon as it comes.

        A video that cannot be decoded has no frames here; why is found out when it is asked about.
        """
        queue: Queue[tuple[Batch, list[Future[Frames]]] | None] = Queue()

        def take() -> None:
            for batch in batches:
                queue.put((batch, self._begin(batch)))
            queue.put(None)

        threading.Thread(target=take, daemon=True).start()
        while (one := queue.get()) is not None:
            batch, begun = one
            yield batch, [frame for future in begun for frame in _result(future)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            decoders = list(self._pool._processes.values())  # from Python 3.14 on: kill_workers
            self._pool.shutdown(wait=False, cancel_futures=True)
            for decoder in decoders:
                decoder.terminate()

    def _begin(self, batch: Batch) -> list[Future[Frames]]:
        if self._pool is None:
            return []
        whole = dict.fromkeys(one.video for one in batch.asked if opened_plainly(one.sample))
        share = MAX_BYTES // max(1, len(whole))
        try:
            return [self._pool.submit(decode_ahead, video, self._views, share) for video in whole]
        except BrokenExecutor:
            return []


def _result(future: Future[Frames]) -> Frames:
    try:
        return future.result()
    except (VideoError, BrokenExecutor):
        return []
