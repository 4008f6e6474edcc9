"""What vLLM fails at, because one side of its cache of clips lacks what the other counts on, is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from videomind.engines.vllm_client import ATTEMPTS, Job, VLLMClient
from videomind.errors import EngineError
from videomind.lora_switch.vllm_plugin.notes import Notes
from videomind.vision.clip import Clip

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]  # warnings of vLLM's own imports


class Forgetful:
    """Stands for vLLM: fails so many times, as it does then, and is right afterwards."""

    def __init__(self, failures: int) -> None:
        self.failures, self.resets = failures, 0

    async def generate(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        failed = self.resets < self.failures
        completion = SimpleNamespace(
            finish_reason="error" if failed else "length", token_ids=[] if failed else [7], logprobs=None
        )
        yield SimpleNamespace(outputs=[completion], num_cached_tokens=0)

    async def reset_mm_cache(self) -> None:
        self.resets += 1

    async def collective_rpc(self, method: str, args: tuple[Any, ...]) -> list[Any]:
        assert method == "take_outcomes"
        return [[{} for _ in args[0]]]


def tokens(llm: Forgetful) -> list[int]:
    clip = Clip(np.zeros((2, 28, 28, 3), np.uint8), (0, 1), (0.0, 1.0), 1.0, "content")
    job = Job([1, 2], clip, {"max_tokens": 1}, Notes(key=""), None, 0, "")
    (finished,) = asyncio.run(VLLMClient(llm, 4, lambda: "").run([job]))
    return finished.tokens


@pytest.mark.parametrize("failures", [0, 1, ATTEMPTS - 1])
def test_it_is_asked_again_with_an_empty_cache(failures: int) -> None:
    llm = Forgetful(failures)
    assert tokens(llm) == [7]
    assert llm.resets == failures


def test_in_the_end_it_is_an_error_and_no_empty_reply() -> None:
    with pytest.raises(EngineError, match="could not run the request"):
        tokens(Forgetful(ATTEMPTS))
