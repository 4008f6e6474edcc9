"""The frame cache keeps to its bound and forgets the longest unused."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from videomind.vision.cache import FrameCache, FrameKey

BYTES = 4 * 6 * 3


def key(number: int) -> FrameKey:
    return FrameKey("hash", number, 4, 6)


def picture(number: int) -> np.ndarray:
    return np.full((4, 6, 3), number, dtype=np.uint8)


def test_what_was_put_comes_back() -> None:
    cache = FrameCache(10 * BYTES)
    assert cache.get(key(1)) is None
    cache.put(key(1), picture(1))
    frame = cache.get(key(1))
    assert frame is not None
    assert np.array_equal(frame, picture(1))
    assert (len(cache), cache.bytes) == (1, BYTES)


def test_the_longest_unused_goes_first() -> None:
    cache = FrameCache(3 * BYTES)
    for number in (1, 2, 3):
        cache.put(key(number), picture(number))
    cache.get(key(1))
    cache.put(key(4), picture(4))
    assert [number for number in (1, 2, 3, 4) if cache.get(key(number)) is not None] == [1, 3, 4]
    cache.check_integrity()


def test_putting_again_does_not_count_twice() -> None:
    cache = FrameCache(3 * BYTES)
    for _ in range(5):
        cache.put(key(1), picture(7))
    assert (len(cache), cache.bytes) == (1, BYTES)
    cache.check_integrity()


def test_a_frame_beyond_the_bound_is_not_kept() -> None:
    cache = FrameCache(BYTES - 1)
    cache.put(key(1), picture(1))
    assert (len(cache), cache.bytes) == (0, 0)


def test_what_is_kept_cannot_be_changed_from_outside() -> None:
    cache, frame = FrameCache(3 * BYTES), picture(1)
    cache.put(key(1), frame)
    frame[:] = 9
    kept = cache.get(key(1))
    assert kept is not None
    assert kept.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        kept[0, 0, 0] = 5


def test_integrity_check_notices_wrong_books() -> None:
    cache = FrameCache(3 * BYTES)
    cache.put(key(1), picture(1))
    cache._bytes += 1
    with pytest.raises(AssertionError):
        cache.check_integrity()


def test_threads_share_it() -> None:
    cache = FrameCache(20 * BYTES)

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(500):
            number = dice.randrange(50)
            frame = cache.get(key(number))
            if frame is None:
                cache.put(key(number), picture(number))
            else:
                assert frame[0, 0, 0] == number
            if dice.random() < 0.01:
                cache.clear()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    cache.check_integrity()
