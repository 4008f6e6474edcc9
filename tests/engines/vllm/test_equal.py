"""vLLM gives what the torch engine gives, alone and in mixed batches."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.engines.vllm.ask import BUNDLE, QUESTIONS, assert_same, assert_same_choices, clip, mixed, request
from videomind.engines.base import Reply
from videomind.engines.torch_engine import TorchEngine
from videomind.engines.vllm_engine import VLLMEngine
from videomind.errors import InputError

pytestmark = pytest.mark.vllm


def test_all_roles_and_the_base_in_one_batch(nano: VLLMEngine, reference: TorchEngine) -> None:
    assert_same(nano, reference, mixed([1, 2, 3]))


def test_the_roles_differ_from_the_base(nano: VLLMEngine) -> None:
    replies = [reply.text for reply in nano.generate([request(role, clip(1)) for role in ("planner", "base")])]
    assert replies[0] != replies[1]


def test_verifications_with_segments_all_over_the_view(nano: VLLMEngine, reference: TorchEngine) -> None:
    seen = clip(4, "verifier")
    segments = [(0, seen.num_pairs), (0, 3), (3, 9), (5, 5), (1, seen.num_pairs - 1)]
    bare = request("verifier", seen, "the red circle moves")
    requests = [bare.__class__(bare.role, seen, bare.text, segment=segment) for segment in segments]
    assert_same_choices(nano, reference, requests)


def test_five_verifications_are_one_batch(nano: VLLMEngine) -> None:
    before = nano.counted("forwards")
    nano.choose([request("verifier", clip(seed, "verifier")) for seed in range(60, 65)], ["Yes", "No"])
    assert nano.counted("forwards") - before <= 2  # the first to arrive may not wait for the others


def test_log_probabilities_along_a_reply(nano: VLLMEngine, reference: TorchEngine) -> None:
    one = request("planner", clip(5))
    (reply,) = reference.generate([one])
    parts = [reply.text[: n * len(reply.text) // 6] for n in range(1, 6)]
    along = [one.__class__(one.role, one.clip, one.text, part, max_new_tokens=8) for part in parts]
    assert_same_choices(nano, reference, along)


def test_calls_from_many_threads(nano: VLLMEngine, reference: TorchEngine) -> None:
    requests = mixed([6, 7])
    with ThreadPoolExecutor(len(requests)) as threads:
        replies = list(threads.map(lambda one: nano.generate([one])[0].text, requests))
    assert replies == [reply.text for reply in reference.generate(requests)]


def test_streaming_gives_the_same_reply_in_pieces(nano: VLLMEngine, reference: TorchEngine) -> None:
    one = request("answerer", clip(1), QUESTIONS[1])
    *pieces, whole = nano.stream(one)
    assert isinstance(whole, Reply)
    assert "".join(map(str, pieces)) == whole.text == reference.generate([one])[0].text
    assert whole.usage.prompt_tokens > 100


def test_the_async_face(nano: VLLMEngine, reference: TorchEngine) -> None:
    requests = mixed([8])

    async def ask() -> list[Reply]:
        replies = await asyncio.gather(*(nano.agenerate([one]) for one in requests))
        return [reply for (reply,) in replies]

    assert [r.text for r in asyncio.run(ask())] == [r.text for r in reference.generate(requests)]


def test_a_grounder_whose_reply_is_not_the_draft_is_generated(nano: VLLMEngine, reference: TorchEngine) -> None:
    one = request("grounder", clip(2))
    for prefix in ("", "Something else:<|reg|>"):
        other = one.__class__(one.role, one.clip, one.text, prefix, max_new_tokens=16)
        (ours,), (theirs,) = nano.ground([other]), reference.ground([other])
        assert ours.reply == theirs.reply == BUNDLE.roles["grounder"].spec.reply_prefix
        assert ours.spans is not None
        assert theirs.spans is not None
        np.testing.assert_allclose(ours.spans, theirs.spans, atol=1e-4)


def test_memory_is_told_alike(nano: VLLMEngine, reference: TorchEngine) -> None:
    assert nano.memory() == reference.memory()


def test_a_prompt_beyond_the_context_is_refused(nano: VLLMEngine) -> None:
    with pytest.raises(InputError, match="too long"):
        nano.generate([request("answerer", clip(1), "x" * 9000)])
