"""What the server has loaded stays until it ends, so the garbage collector need not look at it again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def settled_heap() -> Iterator[None]:
    """Collections leave out what is there now, as long as one is inside.

    Model, page and libraries are some 600,000 objects. To go through all of them takes 0.3 s, in which every request
    stands still, and answering a hundred questions makes it happen once.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
