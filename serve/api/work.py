"""Drawing, decoding and cutting for a request: in threads, and few at a time, so that answering goes on beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
T = TypeVar("T")
_PLACES = CapacityLimiter(2)


async def work(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a thread when a place is free."""
    return await to_thread.run_sync(lambda: function(*args, **kwargs), limiter=_PLACES)
