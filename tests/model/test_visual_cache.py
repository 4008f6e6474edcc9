"""Visual tokens are kept within a budget, the longest unused go first."""

import torch

from videomind.model.visual_cache import VisualCache


def tokens() -> torch.Tensor:
    return torch.zeros(10)  # 40 bytes


def test_the_longest_unused_view_goes_first() -> None:
    cache = VisualCache(max_bytes=100)
    for key in ("a", "b", "a", "c"):  # two fit; b is the longest unused when c comes
        cache.get(key, tokens)
    assert (cache.encoded, cache.reused, cache.bytes) == (3, 1, 80)
    cache.get("a", tokens)
    assert cache.reused == 2
    cache.get("b", tokens)
    assert cache.encoded == 4


def test_a_view_larger_than_the_budget_is_given_but_not_kept() -> None:
    cache = VisualCache(max_bytes=10)
    kept, encoded = cache.get("a", tokens)
    assert kept.shape == (10,)
    assert encoded
    assert cache.bytes == 0


def test_clear_forgets_all() -> None:
    cache = VisualCache(max_bytes=100)
    cache.get("a", tokens)
    cache.clear()
    cache.get("a", tokens)
    assert (cache.encoded, cache.bytes) == (2, 40)
