"""Many questions side by side, at a server that takes only so many at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from videomind.cancellable import Cancel
from videomind.client.errors import ServerBusy
from videomind.errors import Cancelled
from videomind.results import Result

AT_ONCE = 8
"""Questions to have at the server; as many as it takes of one client unless it is told otherwise."""
PATIENCE_S = 600.0
"""How long one question waits for a server that has enough to do."""
POLL_S = 0.05


def ask_together(
    ask: Callable[[int, Cancel], Result], number: int, at_once: int, cancel: Cancel | None
) -> Iterator[tuple[int, Result | Exception]]:
    """The outcome of each question with its place, as they finish. Closing the iterator stops the others.

    Args:
        ask: asks the question at a place, until the event is set.
        number: of questions.
        at_once: how many to ask at a time.
        cancel: set this event to stop.

    Raises:
        Cancelled: the cancel event was set.
    """
    stop = Cancel()
    with ThreadPoolExecutor(at_once, thread_name_prefix="videomind-ask") as threads:
        places = {threads.submit(_patiently, ask, place, stop): place for place in range(number)}
        try:
            while places:
                done, _ = wait(places, POLL_S if cancel is not None else None, FIRST_COMPLETED)
                if cancel is not None and cancel.is_set():
                    raise Cancelled("cancelled")
                yield from ((places.pop(future), _outcome(future)) for future in done)
        finally:
            stop.set()
            threads.shutdown(wait=False, cancel_futures=True)


def _outcome(future: Future[Result]) -> Result | Exception:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error


def _patiently(ask: Callable[[int, Cancel], Result], place: int, stop: Cancel) -> Result:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ask(place, stop)
        except ServerBusy as busy:
            if time.monotonic() + busy.retry_after > until or stop.wait(busy.retry_after):
                raise
