"""Videos that come inside a request, as `data:video/mp4;base64,…`."""

from __future__ import annotations

import binascii
import re
from collections.abc import AsyncIterator

from videomind.serve.errors import Refused

PREFIX = re.compile(r"data:[\w.+-]*/?[\w.+-]*(;[\w.+=\"-]+)*;base64,", re.IGNORECASE | re.ASCII)
STEP = 1 << 20
"""Characters decoded at a time; a multiple of four."""


def check(url: str, max_bytes: int) -> None:
    """Raises:
    Refused: (400) it is not in base64, (413) too large.
    """
    start = _start(url)
    if (len(url) - start) // 4 * 3 > max_bytes + 2:
        raise Refused(413, f"a video may have {max_bytes / 2**20:g} MiB at most: upload a smaller one")


async def decoded(url: str) -> AsyncIterator[bytes]:
    """The bytes in it.

    Raises:
        Refused: (400) it is not in base64.
    """
    for start in range(_start(url), len(url), STEP):
        try:
            yield binascii.a2b_base64(url[start : start + STEP], strict_mode=True)
        except ValueError:
            raise Refused(400, "video_url: the base64 of this data: URL is damaged") from None


def _start(url: str) -> int:
    match = PREFIX.match(url[:256])
    if match is None:
        raise Refused(400, "video_url: give data: URLs in base64, as data:video/mp4;base64,…")
    return match.end()
