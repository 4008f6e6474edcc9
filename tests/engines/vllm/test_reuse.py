"""KV is shared where that is exact, and only there; every reply says what it reused."""

from dataclasses import replace

import pytest

from tests.engines.vllm.ask import assert_same, clip, mixed, request
from videomind.engines.base import Service
from videomind.engines.torch_engine import TorchEngine
from videomind.engines.vllm_engine import VLLMEngine

pytestmark = pytest.mark.vllm
BLOCK = 32


def shareable(tokens: int) -> int:
    """Whole blocks among as many tokens."""
    return tokens // BLOCK * BLOCK


def test_a_role_takes_the_view_that_another_role_has_computed(nano: VLLMEngine) -> None:
    seen = clip(11)
    (planned,) = nano.generate([request("planner", seen)])
    (grounded,) = nano.ground([request("grounder", seen)])
    video_ends = nano._jobs.encode(request("grounder", seen)).video[-1] + 1
    assert planned.usage.cached_tokens == 0
    assert grounded.usage.cached_tokens >= shareable(int(video_ends)) >= 96
    assert (planned.usage.encoded, grounded.usage.encoded) == (True, False)


@pytest.mark.parametrize("first", ["base", "answerer"])
def test_the_base_and_the_roles_share_in_both_directions(nano: VLLMEngine, first: str) -> None:
    order = [first, *({"base", "answerer"} - {first})]
    used = [nano.generate([request(role, clip(12))])[0].usage.cached_tokens for role in order]
    assert used[0] == 0
    assert used[1] >= 96


def test_what_was_reused_changes_nothing(nano: VLLMEngine, reference: TorchEngine) -> None:
    requests = mixed([13])
    for _ in range(2):  # cold, then from the cache
        assert_same(nano, reference, requests)
    assert all(reply.usage.cached_tokens >= 96 for reply in nano.generate(requests) if reply)


def test_nothing_is_shared_from_the_invocation_on(nano: VLLMEngine) -> None:
    one = request("answerer", clip(14), "What is this? " * 8)
    encoded = nano._jobs.encode(one)
    start = nano._jobs.job(one, encoded).notes.acts_from
    assert shareable(len(encoded.ids)) > shareable(start) + BLOCK
    nano.generate([replace(one, role="base")])
    (reply,) = nano.generate([one])
    assert reply.usage.cached_tokens == shareable(start)


def test_a_view_is_encoded_once_whatever_is_asked(nano: VLLMEngine) -> None:
    replies = nano.generate([replace(r, service=Service(salt=r.role)) for r in mixed([15])])
    assert sum(reply.usage.encoded for reply in replies) == 1


def test_salts_keep_questions_apart(nano: VLLMEngine) -> None:
    one = request("planner", clip(16))
    salted = [replace(one, service=Service(salt=salt)) for salt in ("a", "b", "a")]
    assert [nano.generate([each])[0].usage.cached_tokens > 0 for each in salted] == [False, False, True]


def test_forgetting_forgets_all(nano: VLLMEngine, reference: TorchEngine) -> None:
    requests = mixed([17])
    nano.generate(requests)
    nano.forget()
    (reply,) = nano.generate(requests[:1])
    assert (reply.usage.cached_tokens, reply.usage.encoded) == (0, True)
    assert_same(nano, reference, requests)


def test_kv_bytes_are_those_of_the_pages(nano: VLLMEngine) -> None:
    (reply,) = nano.generate([replace(request("planner", clip(18)), max_new_tokens=1)])
    layers, kv_heads, head, hidden, size = 4, 2, 32, 192, 4
    per_token = size * (2 * layers * kv_heads * head + hidden)
    assert reply.usage.kv_bytes == (reply.usage.prompt_tokens + 1) * per_token
