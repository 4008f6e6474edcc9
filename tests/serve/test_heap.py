"""Collections leave out what was there before."""

from __future__ import annotations

import gc

from videomind.serve.heap import settled_heap


def test_only_what_is_new_is_looked_at() -> None:
    before = [object]
    with settled_heap():
        since = [object]
        looked_at = {id(one) for one in gc.get_objects()}
        assert id(before) not in looked_at
        assert id(since) in looked_at
    assert id(before) in {id(one) for one in gc.get_objects()}
