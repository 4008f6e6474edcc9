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
    assert (cache.made, cache.reused, cache.bytes) == (3, 1, 80)
    cache.get("a", tokens)
    assert cache.reused == 2
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


def test_what_is_missing_is_made_at_once_and_each_only_once() -> None:
    cache = ByteCache[torch.Tensor](max_bytes=400)
    cache.get("b", lambda: torch.full((10,), 7.0))
    asked: list[list[int]] = []

    def make(places: list[int]) -> list[torch.Tensor]:
        asked.append(places)
        return [torch.full((10,), float(place)) for place in places]

    found = cache.get_all(["a", "b", "c", "a", "b"], make)
    assert asked == [[0, 2]]
    assert [(int(value[0]), made) for value, made in found] == [
        (0, True),
        (7, False),
        (2, True),
        (0, False),
        (7, False),
    ]
    assert (cache.made, cache.reused) == (3, 3)
    cache.get_all(["c", "a"], make)
    assert asked == [[0, 2]]
    assert cache.get_all([], make) == []


def test_what_a_batch_wants_is_given_also_where_it_does_not_fit() -> None:
    cache = ByteCache[torch.Tensor](max_bytes=100)
    found = cache.get_all(list("abcd"), lambda places: [tokens() for _ in places])
    assert [made for _, made in found] == [True] * 4
    assert cache.bytes == 80
    again = cache.get_all(list("abcd"), lambda places: [tokens() for _ in places])
    assert [made for _, made in again] == [True, True, False, False]


def test_what_does_not_fit_at_all_drives_nothing_out() -> None:
    cache = ByteCache[torch.Tensor](max_bytes=100)
    cache.get("small", tokens)
    cache.get("large", lambda: torch.zeros(100))
    assert cache.bytes == 40
    assert cache.get("small", tokens)[1] is False


def test_nothing_is_kept_of_what_fails() -> None:
    cache = ByteCache[torch.Tensor](max_bytes=100)

    def fail(places: list[int]) -> list[torch.Tensor]:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError):
        cache.get_all(["a"], fail)
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
