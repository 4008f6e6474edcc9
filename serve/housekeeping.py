"""Once an hour the store is cleaned: what is older than the settings keep it, what goes beyond the quota."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from videomind.serve.services import Services, quota_bytes
from videomind.serve.store.cleanup import clean

EVERY_S = 3600.0
log = logging.getLogger("videomind.serve")


@contextmanager
def housekeeping(services: Services) -> Iterator[None]:
    """Clean now and then, in a thread of its own, as long as this is open."""
    over = threading.Event()

    def work() -> None:
        while True:
            try:
                _clean(services)
            except Exception:
                log.exception("the store could not be cleaned; it will be tried again")
            if over.wait(EVERY_S):
                return

    thread = threading.Thread(target=work, name="videomind-housekeeping", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _clean(services: Services) -> None:
    settings = services.settings
    gone = clean(services.database, services.library, settings.retention_days, quota_bytes(settings))
    if gone.files or gone.turns:
        log.info("cleaned: %d videos, %d questions, %.1f MiB", gone.files, gone.turns, gone.bytes / 2**20)
