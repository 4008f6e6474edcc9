"""Copies of videos that browsers cannot play as they are: made once, one after another, kept beside the video."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from pathlib import Path

from videomind.errors import VideoError
from videomind.serve.errors import Refused
from videomind.serve.sandbox.jobs import make_playable
from videomind.serve.sandbox.limits import Limits
from videomind.serve.store.library import Library, VideoFile

SUFFIX = ".play.mp4"
STEP = 0.1
"""Seconds from look to look, while somebody waits."""
log = logging.getLogger("videomind.serve")


class PlayableCopies:
    """Any number of requests may ask for one copy; it is made once. What cannot be copied is not tried again.

    Args:
        library: where videos and copies are.
        limits: what making one may take.
    """

    def __init__(self, library: Library, limits: Limits) -> None:
        self._library, self._limits = library, limits
        self._making: dict[str, Future[None]] = {}
        self._known, self._turn = threading.Lock(), threading.Lock()

    async def copy(self, video: VideoFile, patience: float) -> Path | None:
        """Where the copy is; None = after so many seconds it is still being made.

        Raises:
            Refused: (415) the video cannot be copied, (410) it is gone.
        """
        path = self._library.blobs.derived(video.sha256, SUFFIX)
        if path.is_file():
            return path
        making, deadline = self._begin(video, path), asyncio.get_running_loop().time() + patience
        while not making.done():
            if asyncio.get_running_loop().time() > deadline:
                return None
            await asyncio.sleep(STEP)
        try:
            making.result()
        except VideoError as error:
            raise Refused(415, f"the video cannot be made playable: {error}") from None
        return path

    def _begin(self, video: VideoFile, path: Path) -> Future[None]:
        """In a thread that does not keep the server from stopping; its process stops with the server."""
        with self._known:
            making = self._making.get(video.sha256)
            if making is None:
                source, making = self._library.path(video), Future()
                self._making[video.sha256] = making
                arguments = video, source, path, making
                threading.Thread(target=self._make, args=arguments, name="videomind-playable", daemon=True).start()
            return making

    def _make(self, video: VideoFile, source: Path, path: Path, making: Future[None]) -> None:
        """Only a video's own fault is remembered; a full disk passes."""
        try:
            with self._turn:
                make_playable(source, path, self._limits, video.name)
        except VideoError as error:
            making.set_exception(error)
            return
        except Exception as error:
            log.error("a playable copy failed", exc_info=error)
            making.set_exception(error)
        else:
            making.set_result(None)
        with self._known:
            del self._making[video.sha256]
