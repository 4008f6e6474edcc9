"""The production engine: all roles on one vLLM, batched across questions, KV reused across roles (docs/vllm.md)."""

from __future__ import annotations

import math
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from videomind.engines.base import Cancel, Choice, Engine, Grounding, Load, Memory, Reply, RoleRequest
from videomind.engines.loop_thread import LoopThread
from videomind.engines.reply_text import ReplyText
from videomind.engines.vllm_adapters import AnswererAdapters, lora_request
from videomind.engines.vllm_client import Finished, Job, VLLMClient
from videomind.engines.vllm_options import VLLMOptions
from videomind.engines.vllm_setup import adapter_room, engine_arguments, prepare_environment, write_roles
from videomind.engines.vllm_start import VLLMProcesses
from videomind.errors import EngineBusy, EngineDead, EngineError, InputError
from videomind.lora_switch.bundle import Bundle
from videomind.lora_switch.fit import check_fit, text_shape
from videomind.lora_switch.vllm_plugin.notes import Draft, Notes
from videomind.lora_switch.vllm_plugin.versions import check_version
from videomind.model.prompt import EncodedPrompt, PromptEncoder, find_invocation
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
        self._read_bundle(bundle)
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
            jobs = [self._job(request, self._encode(request)) for request in requests]
            finished = self._loop.run(self._client.run(jobs), cancel)
        return [Reply(self._text(one), self._usage(job, one)) for job, one in zip(jobs, finished, strict=True)]

    def stream(self, request: RoleRequest, cancel: Cancel | None = None) -> Iterator[str | Reply]:
        with self._call([request]):
            job = self._job(request, self._encode(request))
            yield from self._loop.iterate(self._pieces(job), cancel)

    def choose(
        self, requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[Choice]:
        ids = [self._encoder.token_id(choice) for choice in choices]
        with self._call(requests):
            jobs = [
                self._job(request, self._encode(request), max_tokens=1, logprob_token_ids=ids) for request in requests
            ]
            finished = self._loop.run(self._client.run(jobs), cancel)
        return [
            Choice(tuple(math.exp(one.logprobs[token]) for token in ids), self._usage(job, one))
            for job, one in zip(jobs, finished, strict=True)
        ]

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Grounding]:
        if not self._grounds:
            raise EngineError("this model has no grounder")
        with self._call(requests):
            drafts = [None] * len(requests) if self._compat else self._ground_by_draft(requests, cancel)
            return [
                self._ground_by_generating(request, cancel) if grounding is None else grounding
                for request, grounding in zip(requests, drafts, strict=True)
            ]

    def memory(self) -> Memory:
        owned = {name: role.adapter for name, role in self._bundle.roles.items() if role.adapter is not None}
        return Memory(self._loop.run(self._client.call("base_bytes")), {name: {} for name in owned})

    def forget(self) -> None:
        self._check_open()
        self._loop.run(self._client.forget())

    def load(self) -> Load:
        return Load(self._calls, self._client.waiting)

    def check_health(self) -> None:
        self._check_open()
        self._loop.run(self._client.check_health())

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

    def _read_bundle(self, bundle: Bundle) -> None:
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(bundle.base, local_files_only=True, trust_remote_code=False)
        self._encoder = PromptEncoder(bundle.processor, config.vision_config.spatial_merge_size)
        special = bundle.manifest.special_tokens
        self._reg = self._encoder.token_id(special.reg)
        self._segment = (self._encoder.token_id(special.seg_start), self._encoder.token_id(special.seg_end))
        specs = [role.spec for role in bundle.roles.values()]
        self._invocations = {s.name: self._encoder.ids(s.invocation) for s in specs if s.invocation}
        self._grounds = "grounder" in bundle.roles

    def _start(self, folder: Path) -> None:
        from vllm.platforms import current_platform

        roles = write_roles(self._bundle, folder / "roles")
        on_cpu = current_platform.is_cpu()
        arguments = engine_arguments(self._bundle, roles, self._encoder, self.options, on_cpu)
        self._llm = self._processes.start(self._loop, arguments)
        self._client = VLLMClient(self._llm, AHEAD * self.options.max_num_seqs, self._processes.cause)
        self._max_length: int = self._llm.model_config.max_model_len
        self._kv_bytes = self._loop.run(self._client.call("kv_bytes_per_token"))
        self._role_adapters = {name: lora_request(name, role.number, role.folder) for name, role in roles.items()}
        for adapter in self._role_adapters.values():
            self._loop.run(self._client.load(adapter, pin=True))
        room = adapter_room(self._bundle, roles, self.options)
        self._adapters = AnswererAdapters(folder / "adapters", len(roles) + 1, self._bundle.base, room)

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

    def _encode(self, request: RoleRequest, prefix: str | None = None) -> EncodedPrompt:
        prompt = self._encoder.encode(
            request.text,
            request.clip.grid,
            reply_prefix=request.reply_prefix if prefix is None else prefix,
            segment=request.segment,
            segment_ids=self._segment,
        )
        if len(prompt.ids) + request.max_new_tokens > self._max_length:
            raise InputError(
                f"prompt of {len(prompt.ids)} tokens is too long for this model (context {self._max_length})"
            )
        return prompt

    def _job(self, request: RoleRequest, prompt: EncodedPrompt, draft: Draft | None = None, **sampling: Any) -> Job:
        adapter, acts_from, base_until = self._adapter(request, prompt)
        stop = {"stop_token_ids": sorted(self._encoder.stop_ids)}
        return Job(
            ids=prompt.ids,
            clip=request.clip,
            sampling=stop | {"max_tokens": request.max_new_tokens} | sampling,
            notes=Notes("", acts_from, base_until, draft),
            adapter=adapter,
            priority=request.service.priority,
            salt=request.service.salt,
        )

    def _adapter(self, request: RoleRequest, prompt: EncodedPrompt) -> tuple[Any, int, int]:
        """vLLM's adapter of a request, from which token it acts, and how many leading tokens are as the base's."""
        if request.role == "answerer" and request.service.answerer is not None:
            chosen = self._adapters.get(request.service.answerer)
            start = find_invocation(prompt, list(chosen.invocation)) if chosen.invocation else 0
            start = len(prompt.ids) if start is None else start  # as PEFT: the base model where it is not invoked
            return lora_request(request.service.answerer, chosen.number, chosen.folder), start, start
        adapter = self._role_adapters.get(request.role)
        invocation = self._invocations.get(request.role)
        if adapter is None or invocation is None:
            return adapter, 0, 0
        start = find_invocation(prompt, invocation)
        if start is None:
            raise EngineError(
                f"the prompt of the {request.role} does not hold the invocation of its adapter; mend its role.json"
            )
        return adapter, start, self._base_until(request.role, prompt, start)

    def _base_until(self, role: str, prompt: EncodedPrompt, start: int) -> int:
        """Tokens that a role embeds in its own way are not as the base's, wherever its adapter begins to act."""
        adapter = self._bundle.roles[role].adapter
        if adapter is None or adapter.embeddings:
            return 0
        if adapter.rows is None:
            return start
        own = np.flatnonzero(np.isin(prompt.ids[:start], adapter.rows.ids.numpy()))
        return int(own[0]) if len(own) else start

    def _ground_by_draft(self, requests: Sequence[RoleRequest], cancel: Cancel | None) -> list[Grounding | None]:
        """One prefill each with the expected reply appended; None where the role would have said something else."""
        prompts = [self._encode(request) for request in requests]
        drafts = [self._draft(prompt, request) for prompt, request in zip(prompts, requests, strict=True)]
        open_rows = [row for row, draft in enumerate(drafts) if draft is not None]
        jobs = [self._job(requests[row], prompts[row], drafts[row], max_tokens=1) for row in open_rows]
        groundings: list[Grounding | None] = [None] * len(requests)
        for row, job, one in zip(open_rows, jobs, self._loop.run(self._client.run(jobs), cancel), strict=True):
            draft, said = job.ids[prompts[row].prompt_length :], one.outcome["said"]
            if said[:-1] == draft and said[-1] in self._encoder.stop_ids:
                groundings[row] = Grounding(requests[row].reply_prefix, _spans(one), self._usage(job, one))
        return groundings

    def _ground_by_generating(self, request: RoleRequest, cancel: Cancel | None) -> Grounding:
        """Decode the reply first; where it says `<|reg|>`, localise with the reply as the draft."""
        bare = self._encode(request, prefix="")
        job = self._job(request, bare)
        (finished,) = self._loop.run(self._client.run([job]), cancel)
        reply = self._text(finished)
        ids = [token for token in finished.tokens if token not in self._encoder.stop_ids]
        if self._reg not in ids:
            return Grounding(reply, None, self._usage(job, finished))
        said = EncodedPrompt([*bare.ids, *ids], bare.positions, bare.video, len(bare.ids))
        job = self._job(request, said, self._draft(said, request), max_tokens=1)
        (localised,) = self._loop.run(self._client.run([job]), cancel)
        return Grounding(reply, _spans(localised), self._usage(job, localised))

    def _draft(self, prompt: EncodedPrompt, request: RoleRequest) -> Draft | None:
        draft = prompt.ids[prompt.prompt_length :]
        if self._reg not in draft:
            return None
        return Draft(
            start=prompt.prompt_length,
            reg=prompt.prompt_length + draft.index(self._reg),
            video=int(prompt.video[0]),
            tokens=len(prompt.video),
            pairs=request.clip.num_pairs,
        )

    async def _pieces(self, job: Job) -> AsyncIterator[str | Reply]:
        reply = ReplyText(self._encoder)
        async for item in self._client.stream(job):
            if isinstance(item, Finished):
                if rest := reply.rest():
                    yield rest
                yield Reply(reply.text, self._usage(job, item))
            elif item not in self._encoder.stop_ids and (piece := reply.add(item)):
                yield piece

    def _text(self, finished: Finished) -> str:
        return self._encoder.decode([token for token in finished.tokens if token not in self._encoder.stop_ids])

    def _usage(self, job: Job, finished: Finished) -> Usage:
        tokens = len(job.ids) + len(finished.tokens)
        encoded = bool(finished.outcome.get("encoded"))
        return Usage(len(job.ids), finished.cached, encoded, tokens * self._kv_bytes)


def _spans(finished: Finished) -> Any:
    return np.asarray(finished.outcome["spans"], np.float32).reshape(-1, 3)
