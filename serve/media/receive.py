"""A video on its way in: streamed to disk, looked at while it comes, and kept once it turned out to be one."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from videomind.errors import VideoError
from videomind.serve.errors import Refused
from videomind.serve.media import data_url, local_file
from videomind.serve.media.remote import Remote
from videomind.serve.media.sniff import HEAD, sniff
from videomind.serve.sandbox.jobs import probe_video
from videomind.serve.sandbox.limits import Limits
from videomind.serve.store.blobs import Incoming
from videomind.serve.store.library import Library, VideoFile

BLOCK = 1 << 20
"""Bytes written at a time."""
PROBES = 4
"""Files looked at at a time; each may take the memory and the time that the limits allow."""
MAX_NAME = 200
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""Control characters, and those that turn the direction of writing."""


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Attributes:
    max_bytes: size of a video.
    idle_s: seconds without a byte after which it is given up.
    total_s: seconds that receiving it may take.
    """

    max_bytes: int = 4 << 30
    idle_s: float = 30.0
    total_s: float = 3600.0


class Media:
    """The ways in, all into one library.

    Args:
        library: where videos are kept.
        limits: how they may come.
        sandbox: what looking at one may cost.
        allowed_path: the folder below which `file:` URLs may point; None = nowhere.
        allowed_domains: hosts that `http(s):` URLs may name: "example.org", "*.example.org", "example.org:8443".
    """

    def __init__(
        self,
        library: Library,
        limits: MediaLimits,
        sandbox: Limits,
        allowed_path: Path | None,
        allowed_domains: tuple[str, ...],
    ) -> None:
        self._library, self._limits, self._sandbox = library, limits, sandbox
        self._allowed_path = allowed_path
        self._remote = Remote(allowed_domains)
        self._probes = asyncio.Semaphore(PROBES)

    async def receive(self, owner: str, name: str, chunks: AsyncIterator[bytes]) -> VideoFile:
        """Take in a video; where the owner has it already, that entry. If it fails, nothing remains.

        Args:
            owner: whose it will be.
            name: what it is called where it comes from.
            chunks: its bytes.

        Raises:
            Refused: (413) too large, (408) too slow, (415) no video that is taken, (507) the disk is full.
        """
        name = clean_name(name)
        try:
            with self._library.blobs.incoming() as incoming:
                await self._write(incoming, chunks)
                return await self._keep(owner, name, incoming)
        except OSError as error:
            if error.errno in FULL:
                raise Refused(507, "the server's disk is full: remove videos that are no longer needed") from error
            raise

    async def resolve(self, owner: str, url: str) -> VideoFile:
        """The video that a `video_url` means, taken into the owner's library where it is not there yet.

        Args:
            owner: who asks.
            url: the id of an uploaded file ("file-…"), or a URL: `data:`, `file:` or `http(s):`.

        Raises:
            Refused: as `receive`; (400) no such URL, (403) not allowed, (404) no such file.
        """
        scheme = url[:8].partition(":")[0].lower()
        if url.startswith("file-"):
            return await run_in_threadpool(self._library.get, owner, url)
        if scheme == "data":
            data_url.check(url, self._limits.max_bytes)
            return await self.receive(owner, "video", data_url.decoded(url))
        if scheme == "file":
            path, opened = await run_in_threadpool(local_file.open_allowed, url, self._allowed_path)
            async with aclosing(local_file.read(opened)) as chunks:
                return await self.receive(owner, path.name, chunks)
        if scheme in ("http", "https"):
            async with aclosing(self._remote.fetch(url, self._limits.max_bytes)) as chunks:
                return await self.receive(owner, self._remote.name(url), chunks)
        raise Refused(400, "video_url: give the id of an uploaded file (file-…), or a data:, http(s): or file: URL")

    async def _write(self, incoming: Incoming, chunks: AsyncIterator[bytes]) -> None:
        waiting, sniffed = bytearray(), False
        async for chunk in self._in_time(chunks):
            if incoming.size + len(waiting) + len(chunk) > self._limits.max_bytes:
                raise too_large(self._limits.max_bytes)
            waiting += chunk
            if not sniffed and len(waiting) >= HEAD:
                _check_kind(bytes(waiting[:HEAD]))
                sniffed = True
            if len(waiting) >= BLOCK:
                await run_in_threadpool(incoming.write, bytes(waiting))
                waiting.clear()
        if not sniffed:
            _check_kind(bytes(waiting))
        await run_in_threadpool(incoming.write, bytes(waiting))

    async def _in_time(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        loop, limits = asyncio.get_running_loop(), self._limits
        end = loop.time() + limits.total_s
        while True:
            try:
                async with asyncio.timeout_at(min(end, loop.time() + limits.idle_s)):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if loop.time() >= end:
                    raise Refused(408, f"the video did not come within {limits.total_s:g} s") from None
                raise Refused(408, f"no more of the video came for {limits.idle_s:g} s") from None
            yield chunk

    async def _keep(self, owner: str, name: str, incoming: Incoming) -> VideoFile:
        known = await run_in_threadpool(self._library.known, owner, incoming.sha256)
        if known is not None:
            return known
        try:
            async with self._probes:
                info = await run_in_threadpool(probe_video, incoming.path, self._sandbox, name)
        except VideoError as error:
            raise Refused(415, str(error)) from error
        return await run_in_threadpool(self._library.add, owner, name, incoming, info)


def too_large(max_bytes: int) -> Refused:
    """The refusal of a video of more than so many bytes."""
    return Refused(413, f"a video may have {max_bytes / 2**20:g} MiB at most: give a shorter or smaller one")


def clean_name(name: str) -> str:
    """The name of a file as it is shown to people: without folders and characters that do not print."""
    last = re.split(r"[/\\]", name)[-1]
    return UNPRINTABLE.sub(" ", last).strip(" .")[-MAX_NAME:] or "video"


def _check_kind(head: bytes) -> None:
    if sniff(head) is None:
        raise Refused(415, "this is no video that is taken: give an .mp4, .mov, .webm, .mkv, .avi or .gif file")
