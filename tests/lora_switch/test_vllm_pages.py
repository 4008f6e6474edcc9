"""The layer that keeps hidden states in vLLM's paged cache."""

import warnings

import pytest

pytestmark = pytest.mark.vllm


def test_it_forbids_no_cuda_graph() -> None:
    """A single layer that does would keep vLLM from capturing whole decoding steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from vllm.config import CacheConfig, CompilationConfig, CUDAGraphMode, VllmConfig, set_current_vllm_config

        from videomind.lora_switch.vllm_plugin.pages import StatePages

        cache = CacheConfig(cache_dtype="bfloat16")
        with set_current_vllm_config(VllmConfig(cache_config=cache)):
            pages = StatePages(64, 2, cache)
    support = pages.get_attn_backend().get_builder_cls().get_cudagraph_support(None, None)
    wanted = CUDAGraphMode.FULL_AND_PIECEWISE
    assert CompilationConfig(cudagraph_mode=wanted).resolve_cudagraph_mode_and_sizes(support, "pages") == wanted
