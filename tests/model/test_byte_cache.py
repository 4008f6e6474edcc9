"""What was made for views is kept within a budget, the longest unused goes first; several are made at once."""

import threading

import pytest
import torch

from videomind.model.byte_cache import ByteCache


def tokens() -> torch.Tensor:
    return torch.zeros(10)  # 40 bytes


def test_the_longest_unused_view_goes_first() -> None:
    cache = ByteCache(max_bytes=100)
    for key in ("a", "b", "a", "c"):  # two fit; b is the longest unused when c comes
        cache.get(key, tokens)
    assert (cache.made, cache.bytes) == (3, 80)
    cache.get("a", tokens)
    assert cache.made == 3
    cache.get("b", tokens)
    assert cache.made == 4


def test_a_view_larger_than_the_budget_is_given_but_not_kept() -> None:
    cache = ByteCache(max_bytes=10)
    kept, encoded = cache.get("a", tokens)
    assert kept.shape == (10,)
    assert encoded
    assert cache.bytes == 0


def test_clear_forgets_all() -> None:
    cache = ByteCache(max_bytes=100)
    cache.get("a", tokens)
    cache.clear()
    cache.get("a", tokens)
    assert (cache.made, cache.bytes) == (2, 40)


def test_what_is_found_counts_as_used() -> None:
    cache = ByteCache[torch.Tensor](max_bytes=100)
    kept = {key: tokens() for key in "ab"}
    for key, value in kept.items():
        cache.keep(key, value)
    found = cache.find(["a", "c", "a"])
    assert list(found) == ["a"]
    assert found["a"] is kept["a"]
    cache.keep("d", tokens())  # two fit; b is the longest unused
    assert sorted(cache.find(["a", "b", "d"])) == ["a", "d"]


def test_what_does_not_fit_at_all_drives_nothing_out() -> None:
    cache = ByteCache[torch.Tensor](max_bytes=100)
    cache.get("small", tokens)
    cache.get("large", lambda: torch.zeros(100))
    assert cache.bytes == 40
    assert cache.get("small", tokens)[1] is False


def test_nothing_is_kept_of_what_fails() -> None:
    cache = ByteCache[torch.Tensor](max_bytes=100)

    def fail() -> torch.Tensor:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError):
        cache.get("a", fail)
    assert (cache.made, cache.bytes) == (0, 0)
    assert cache.get("a", tokens)[1]


def test_two_threads_that_make_the_same_count_it_once() -> None:
    cache = ByteCache[torch.Tensor](max_bytes=100)
    both = threading.Barrier(2)

    def make() -> torch.Tensor:
        both.wait()
        return tokens()

    threads = [threading.Thread(target=cache.get, args=("a", make)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.bytes == 40
