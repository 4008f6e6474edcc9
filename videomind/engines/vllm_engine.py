"""The production engine: all roles on one vLLM, batched across questions, KV reused across roles (docs/vllm.md)."""

from __future__ import annotations

import math
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from videomind.cancellable import Cancel
from videomind.engines.base import Choice, Engine, Grounding, Load, Memory, Reply, RoleRequest
from videomind.engines.loop_thread import LoopThread
from videomind.engines.reply_text import ReplyText
from videomind.engines.vllm_adapters import AnswererAdapters, lora_request
from videomind.engines.vllm_client import Finished, Job, VLLMClient
from videomind.engines.vllm_jobs import JobMaker
from videomind.engines.vllm_options import VLLMOptions
from videomind.engines.vllm_setup import adapter_room, engine_arguments, merge_size, prepare_environment, write_roles
from videomind.engines.vllm_start import VLLMProcesses
from videomind.errors import EngineBusy, EngineDead, EngineError
from videomind.lora_switch.bundle import Bundle
from videomind.lora_switch.fit import check_fit, text_shape
from videomind.lora_switch.identity import tensor_shapes
from videomind.lora_switch.switch import adapter_bytes
from videomind.lora_switch.vllm_plugin.versions import check_version
from videomind.model.prompt import PromptEncoder
from videomind.results import Usage

AHEAD = 2
"""Requests inside vLLM at once, as a multiple of its batch: the next batch is ready, the rest waits outside."""


class VLLMEngine(Engine):
    """Starts vLLM with a bundle; every role is chosen per request, any number of threads may call.

    Args:
        bundle: a checked model folder.
        options: how vLLM is set up.
        compat: generate the grounder's reply before it is localised, as the published code does.

    Raises:
        BundleError: an adapter does not fit its base, or is of a kind that vLLM does not serve.
        EngineError: vLLM is missing, of another release, or does not start.
    """

    name = "vllm"

    def __init__(self, bundle: Bundle, options: VLLMOptions | None = None, compat: bool = False) -> None:
        check_version()
        prepare_environment()
        self.options = options or VLLMOptions()
        self._compat = compat
        self._bundle = bundle
        shape = text_shape(bundle.base)
        for name, role in bundle.roles.items():
            if role.adapter is not None:
                check_fit(role.adapter, shape, f"the adapter of the {name}")
        self._encoder = PromptEncoder(bundle.processor, merge_size(bundle.base))
        self._calls, self._counting = 0, threading.Lock()
        self._llm: Any = None
        self._folder = tempfile.TemporaryDirectory(prefix="videomind-")
        self._processes = VLLMProcesses(Path(self._folder.name))
        self._loop = LoopThread("videomind-vllm")
        try:
            self._start(Path(self._folder.name))
        except BaseException:
            self.close()
            raise

    def generate(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Reply]:
        with self._call(requests):
            jobs = [self._jobs.job(request, self._jobs.encode(request)) for request in requests]
            finished = self._run(jobs, cancel)
        return [Reply(self._text(one), self._usage(job, one)) for job, one in zip(jobs, finished, strict=True)]

    def stream(self, request: RoleRequest, cancel: Cancel | None = None) -> Iterator[str | Reply]:
        with self._call([request]):
            job = self._jobs.job(request, self._jobs.encode(request))
            yield from self._loop.iterate(self._pieces(job), cancel)

    def choose(
        self, requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[Choice]:
        ids = [self._encoder.token_id(choice) for choice in choices]
        with self._call(requests):
            jobs = [
                self._jobs.job(request, self._jobs.encode(request), max_tokens=1, logprob_token_ids=ids)
                for request in requests
            ]
            finished = self._run(jobs, cancel)
        return [
            Choice(tuple(math.exp(one.logprobs[token]) for token in ids), self._usage(job, one))
            for job, one in zip(jobs, finished, strict=True)
        ]

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Grounding]:
        if "grounder" not in self._bundle.roles:
            raise EngineError("this model has no grounder")
        with self._call(requests):
            drafted = [(None, Usage())] * len(requests) if self._compat else self._ground_by_draft(requests, cancel)
            left = [row for row, (grounding, _) in enumerate(drafted) if grounding is None]
            rest = dict(zip(left, self._ground_by_generating([requests[row] for row in left], cancel), strict=True))
        return [
            grounding or rest[row]._replace(usage=spent + rest[row].usage)
            for row, (grounding, spent) in enumerate(drafted)
        ]

    def memory(self) -> Memory:
        self._check_open()
        dtype: torch.dtype = self._llm.model_config.dtype
        numbers = sum(math.prod(shape) for shape in tensor_shapes(self._bundle.base).values())
        roles = {name: adapter_bytes(role.adapter, dtype) for name, role in self._bundle.roles.items() if role.adapter}
        if decoder := self._bundle.roles["grounder"].decoder if "grounder" in self._bundle.roles else None:
            roles.setdefault("grounder", {})["decoder"] = sum(weight.numel() for weight in decoder.values()) * 4
        return Memory(numbers * dtype.itemsize, roles)

    def forget(self) -> None:
        self._check_open()
        self._loop.run(self._client.forget())

    def load(self) -> Load:
        return Load(self._calls, self._client.waiting)

    def check_health(self) -> None:
        self._check_open()
        self._loop.run(self._client.check_health())

    def counted(self, what: Literal["forwards", "preempted"]) -> int:
        """How many forwards there have been since the start, or how often a request lost its KV to others."""
        self._check_open()
        return int(self._loop.run(self._client.call(what)))

    def adapters(self) -> tuple[str, ...]:
        return self._adapters.names()

    def add_adapter(self, name: str, folder: Path) -> None:
        self._check_open()
        self._loop.run(self._adapters.add(name, folder, self._client))

    def remove_adapter(self, name: str) -> None:
        self._check_open()
        self._loop.run(self._adapters.remove(name, self._client))

    def close(self) -> None:
        llm, self._llm = self._llm, None
        if llm is not None:
            self._loop.run(self._client.close())
        self._processes.kill()
        self._loop.close()
        self._folder.cleanup()

    def _start(self, folder: Path) -> None:
        from vllm.platforms import current_platform

        roles = write_roles(self._bundle, folder / "roles")
        on_cpu = current_platform.is_cpu()
        arguments = engine_arguments(self._bundle, roles, self._encoder, self.options, on_cpu)
        self._llm = self._processes.start(self._loop, arguments)
        self._client = VLLMClient(self._llm, AHEAD * self.options.max_num_seqs, self._processes.cause)
        self._kv_bytes = self._loop.run(self._client.call("kv_bytes_per_token"))
        for name, role in roles.items():
            self._loop.run(self._client.load(lora_request(name, role.number, role.folder), pin=True))
        room = adapter_room(self._bundle, roles, self.options)
        self._adapters = AnswererAdapters(folder / "adapters", len(roles) + 1, self._bundle.base, room)
        length: int = self._llm.model_config.max_model_len
        self._jobs = JobMaker(self._bundle, self._encoder, roles, self._adapters, length)

    def _check_open(self) -> None:
        if self._llm is None:
            raise EngineDead("the engine was closed")

    @contextmanager
    def _call(self, requests: Sequence[RoleRequest]) -> Iterator[None]:
        """One call of the contract: refused when too many are under way, or nothing can come of it."""
        self._check_open()
        most = self.options.max_num_seqs + self.options.max_waiting
        with self._counting:
            if self._calls >= most:
                raise EngineBusy(f"{self._calls} calls are under way already, as many as max_waiting allows")
            self._calls += 1
        try:
            with self._adapters.lease([r.service.answerer for r in requests if r.service.answerer is not None]):
                yield
        finally:
            with self._counting:
                self._calls -= 1

    def _ground_by_draft(
        self, requests: Sequence[RoleRequest], cancel: Cancel | None
    ) -> list[tuple[Grounding | None, Usage]]:
        """One prefill each with the expected reply appended; None where the role would have said something else."""
        prompts = [self._jobs.encode(request) for request in requests]
        drafts = [self._jobs.draft(prompt, request) for prompt, request in zip(prompts, requests, strict=True)]
        rows = [row for row, draft in enumerate(drafts) if draft is not None]
        jobs = [self._jobs.job(requests[row], prompts[row], drafts[row], max_tokens=1) for row in rows]
        found: list[tuple[Grounding | None, Usage]] = [(None, Usage())] * len(requests)
        for row, job, one in zip(rows, jobs, self._run(jobs, cancel), strict=True):
            draft, said, usage = job.ids[prompts[row].prompt_length :], one.outcome["said"], self._usage(job, one)
            agreed = said[:-1] == draft and said[-1] in self._encoder.stop_ids
            found[row] = Grounding(requests[row].reply_prefix, _spans(one), usage) if agreed else None, usage
        return found

    def _ground_by_generating(self, requests: Sequence[RoleRequest], cancel: Cancel | None) -> list[Grounding]:
        """Decode the replies first; where one says `<|reg|>`, localise with the reply as the draft."""
        bare = [self._jobs.encode(request, prefix="") for request in requests]
        jobs = [self._jobs.job(request, prompt) for request, prompt in zip(requests, bare, strict=True)]
        replies = self._run(jobs, cancel)
        found = [
            Grounding(self._text(one), None, self._usage(job, one)) for job, one in zip(jobs, replies, strict=True)
        ]
        said = [
            self._jobs.with_reply(prompt, self._jobs.spoken(one)) for prompt, one in zip(bare, replies, strict=True)
        ]
        drafts = [self._jobs.draft(prompt, request) for prompt, request in zip(said, requests, strict=True)]
        rows = [row for row, draft in enumerate(drafts) if draft is not None]
        jobs = [self._jobs.job(requests[row], said[row], drafts[row], max_tokens=1) for row in rows]
        for row, job, one in zip(rows, jobs, self._run(jobs, cancel), strict=True):
            usage = found[row].usage + self._usage(job, one)
            found[row] = Grounding(found[row].reply, _spans(one), usage)
        return found

    async def _pieces(self, job: Job) -> AsyncIterator[str | Reply]:
        reply = ReplyText(self._encoder)
        async for item in self._client.stream(job):
            if isinstance(item, Finished):
                if rest := reply.rest():
                    yield rest
                yield Reply(reply.text, self._usage(job, item))
            elif item not in self._encoder.stop_ids and (piece := reply.add(item)):
                yield piece

    def _run(self, jobs: list[Job], cancel: Cancel | None) -> list[Finished]:
        return self._loop.run(self._client.run(jobs), cancel) if jobs else []

    def _text(self, finished: Finished) -> str:
        return self._encoder.decode(self._jobs.spoken(finished))

    def _usage(self, job: Job, finished: Finished) -> Usage:
        tokens = len(job.ids) + len(finished.tokens)
        encoded = bool(finished.outcome.get("encoded"))
        return Usage(len(job.ids), finished.cached, encoded, tokens * self._kv_bytes)


def _spans(finished: Finished) -> Any:
    return np.asarray(finished.outcome["spans"], np.float32).reshape(-1, 3)
