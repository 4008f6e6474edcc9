"""One running vLLM: its processes, its requests, its adapters. Everything here runs on one asyncio loop."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

from videomind.engines.gate import Gate
from videomind.errors import EngineDead, EngineError
from videomind.lora_switch.vllm_plugin.notes import Notes
from videomind.vision.clip import Clip

ATTEMPTS = 3
"""A clip whose first request was cancelled on its way into vLLM is known on one side of vLLM's cache of clips only;
who asks about it next gets an error, until that cache is emptied."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request as vLLM takes it.

    Attributes:
        ids: the prompt, video run expanded, draft included.
        clip: what it sees.
        sampling: keywords of `SamplingParams`.
        notes: what the plug-in needs to know (its key is set here).
        adapter: vLLM's `LoRARequest`, or None for the base.
        priority, salt: as in `Service`.
    """

    ids: list[int]
    clip: Clip
    sampling: dict[str, Any]
    notes: Notes
    adapter: Any
    priority: int
    salt: str


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a job: reply tokens, log-probabilities of the first, cached prompt tokens, worker's outcome."""

    tokens: list[int]
    logprobs: dict[int, float]
    cached: int
    outcome: dict[str, Any]


class VLLMClient:
    """Args:
    llm: a started `AsyncLLM`.
    most: requests that may be inside vLLM at once; others wait here, by priority.
    cause: says why a process has ended.
    """

    def __init__(self, llm: Any, most: int, cause: Callable[[], str]) -> None:
        self._llm, self._gate, self._cause = llm, Gate(most), cause
        self._numbers = itertools.count()

    @property
    def waiting(self) -> int:
        """Requests that are not inside vLLM yet."""
        return self._gate.waiting

    async def run(self, jobs: list[Job]) -> list[Finished]:
        """All jobs as one batch, results in their order."""
        keyed = [self._keyed(job) for job in jobs]
        tasks = [asyncio.ensure_future(self._last(job)) for job in keyed]
        try:
            finished = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        outcomes = await self.call("take_outcomes", [job.notes.key for job in keyed])
        return [replace(one, outcome=outcome) for one, outcome in zip(finished, outcomes, strict=True)]

    async def stream(self, job: Job) -> AsyncIterator[int | Finished]:
        """Reply tokens as they come, then the finished job."""
        keyed, tokens, cached = self._keyed(job), list[int](), 0
        async for output in self._outputs(keyed, delta=True):
            cached = output.num_cached_tokens or cached
            for token in output.outputs[0].token_ids:
                tokens.append(token)
                yield token
        (outcome,) = await self.call("take_outcomes", [keyed.notes.key])
        yield Finished(tokens, {}, cached, outcome)

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the worker (the first one's answer, where there are several).

        Raises:
            EngineDead: a process of the engine has ended.
        """
        with _translated(self._cause):
            return (await self._llm.collective_rpc(method, args=arguments))[0]

    async def load(self, adapter: Any, pin: bool) -> None:
        """Load an adapter now, so that none that cannot be loaded is ever named by a request."""
        with _translated(self._cause):
            await self._llm.add_lora(adapter)
        if pin:
            await self.call("keep_in_memory", adapter.lora_int_id)

    async def unload(self, number: int) -> None:
        """Drop an adapter from the device and from memory."""
        with _translated(self._cause):
            await self._llm.remove_lora(number)

    async def check_health(self) -> None:
        """Raises:
        EngineDead: a process of the engine has ended.
        """
        with _translated(self._cause):
            await self._llm.check_health()

    async def forget(self) -> None:
        """Drop KV, visual tokens and clips kept for reuse."""
        with _translated(self._cause):
            await self._llm.reset_prefix_cache()
            await self._llm.reset_mm_cache()
            await self._llm.reset_encoder_cache()
        await self.call("forget")

    async def close(self) -> None:
        """End vLLM's processes, and let go of what belongs to them."""
        self._llm.shutdown()
        self._llm = None

    def _keyed(self, job: Job) -> Job:
        return replace(job, notes=replace(job.notes, key=str(next(self._numbers))))

    async def _last(self, job: Job) -> Finished:
        async for output in self._outputs(job, delta=False):
            last = output
        (completion,) = last.outputs
        first = completion.logprobs[0] if completion.logprobs else {}
        logprobs = {token: float(found.logprob) for token, found in first.items()}
        return Finished(list(completion.token_ids), logprobs, last.num_cached_tokens or 0, {})

    async def _outputs(self, job: Job, delta: bool) -> AsyncIterator[Any]:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        parameters = SamplingParams(
            temperature=0,
            detokenize=False,
            ignore_eos=True,  # the stop tokens say when
            output_kind=RequestOutputKind.DELTA if delta else RequestOutputKind.FINAL_ONLY,
            extra_args=job.notes.to_extra_args(),
            **job.sampling,
        )
        prompt: dict[str, Any] = {
            "prompt_token_ids": job.ids,
            "multi_modal_data": {"video": [job.clip.frames]},
            "multi_modal_uuids": {"video": [clip_name(job.clip)]},
        }
        if job.salt:
            prompt["cache_salt"] = job.salt
        async with self._gate.enter(job.priority):
            with _translated(self._cause):
                for _ in range(ATTEMPTS):
                    async for output in self._llm.generate(
                        prompt, parameters, job.notes.key, lora_request=job.adapter, priority=job.priority
                    ):
                        if output.outputs[0].finish_reason == "error":
                            break
                        yield output
                    else:
                        return
                    await self._llm.reset_mm_cache()
        raise EngineError("vLLM could not run the request, several times; its log says why")


def clip_name(clip: Clip) -> str:
    """A name equal for clips of equal frames, and for no others."""
    return hashlib.sha256(repr(clip.key).encode()).hexdigest()


class _translated:  # noqa: N801  (used as a statement)
    """vLLM's errors as ours; `cause` says why a process has ended."""

    def __init__(self, cause: Callable[[], str]) -> None:
        self._cause = cause

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        if isinstance(error, EngineDeadError):
            raise EngineDead(f"a process of the vLLM engine has ended: {self._cause()}; start anew") from error
        if isinstance(error, EngineGenerateError):
            raise EngineError(f"vLLM could not run the request: {error.__cause__}") from error
