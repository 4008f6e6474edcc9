"""Little memory and small steps: prompts in pieces, requests that lose their KV and start over. Results stay."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.engines.vllm.ask import assert_same, clip, mixed, request
from tests.engines.vllm.conftest import vllm_engine
from videomind.engines.torch_engine import TorchEngine
from videomind.engines.vllm_engine import VLLMEngine
from videomind.engines.vllm_options import VLLMOptions

pytestmark = pytest.mark.vllm
PAGES = 24
PAGE_BYTES = 32 * 4 * (2 * 4 * 2 * 32 + 192)


@pytest.fixture(scope="module")
def cramped() -> Iterator[VLLMEngine]:
    """Room for 24 blocks of 32 tokens, steps of 64 tokens: fewer than any prompt with a view has."""
    options = VLLMOptions(
        kv_cache_memory=(PAGES + 1) * PAGE_BYTES,
        max_model_len=512,
        max_num_seqs=16,
        max_num_batched_tokens=64,
        adapters_on_device=0,
        adapters_in_memory=0,
    )
    with vllm_engine(options=options) as engine:
        yield engine


def test_prompts_in_pieces(cramped: VLLMEngine, reference: TorchEngine) -> None:
    assert all(len(cramped._jobs.encode(one).ids) > 64 for one in mixed([21]))
    assert_same(cramped, reference, mixed([21, 22]))


def test_requests_that_were_preempted(cramped: VLLMEngine, reference: TorchEngine) -> None:
    before = cramped.counted("preempted")
    requests = [replace(request("planner", clip(seed)), max_new_tokens=48) for seed in range(23, 33)]
    requests += [request("grounder", clip(seed)) for seed in range(23, 27)]
    assert_same(cramped, reference, requests)
    assert cramped.counted("preempted") > before
