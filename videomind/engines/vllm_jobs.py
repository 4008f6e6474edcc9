"""From the contract's requests to jobs for vLLM: tokens, adapter, where it acts, and what to ground."""

from __future__ import annotations

from typing import Any

import numpy as np

from videomind.engines.base import RoleRequest
from videomind.engines.vllm_adapters import AnswererAdapters, lora_request
from videomind.engines.vllm_client import Finished, Job
from videomind.engines.vllm_setup import ServedRole
from videomind.errors import EngineError, InputError
from videomind.lora_switch.bundle import Bundle
from videomind.lora_switch.vllm_plugin.notes import Draft, Notes
from videomind.model.prompt import EncodedPrompt, PromptEncoder, find_invocation


class JobMaker:
    """Args:
    bundle: the model.
    encoder: its tokenizer and template.
    roles: its adapters as vLLM knows them.
    answerers: the answerer adapters that came later.
    max_length: longest prompt with reply, in tokens.
    """

    def __init__(
        self,
        bundle: Bundle,
        encoder: PromptEncoder,
        roles: dict[str, ServedRole],
        answerers: AnswererAdapters,
        max_length: int,
    ) -> None:
        self._bundle, self._encoder, self._answerers, self._max_length = bundle, encoder, answerers, max_length
        special = bundle.manifest.special_tokens
        self._reg = encoder.token_id(special.reg)
        self._segment = (encoder.token_id(special.seg_start), encoder.token_id(special.seg_end))
        specs = [role.spec for role in bundle.roles.values()]
        self._invocations = {spec.name: encoder.ids(spec.invocation) for spec in specs if spec.invocation}
        self._role_adapters = {name: lora_request(name, role.number, role.folder) for name, role in roles.items()}

    def encode(self, request: RoleRequest, prefix: str | None = None) -> EncodedPrompt:
        """The prompt of a request, with another reply prefix where one is given.

        Raises:
            InputError: it is longer than the model's context.
        """
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

    def with_reply(self, prompt: EncodedPrompt, reply: list[int]) -> EncodedPrompt:
        """A prompt with a reply behind it; vLLM computes the positions itself."""
        return EncodedPrompt([*prompt.ids, *reply], prompt.positions, prompt.video, len(prompt.ids))

    def draft(self, prompt: EncodedPrompt, request: RoleRequest) -> Draft | None:
        """What to ground in a prompt that holds a reply; None where the reply has no `<|reg|>`."""
        reply = prompt.ids[prompt.prompt_length :]
        if self._reg not in reply:
            return None
        return Draft(
            start=prompt.prompt_length,
            reg=prompt.prompt_length + reply.index(self._reg),
            video=int(prompt.video[0]),
            tokens=len(prompt.video),
            pairs=request.clip.num_pairs,
        )

    def job(self, request: RoleRequest, prompt: EncodedPrompt, draft: Draft | None = None, **sampling: Any) -> Job:
        """The job of a request; `sampling` goes to vLLM's `SamplingParams`."""
        adapter, acts_from = self._adapter(request, prompt)
        stop = {"stop_token_ids": sorted(self._encoder.stop_ids)}
        return Job(
            ids=prompt.ids,
            clip=request.clip,
            sampling=stop | {"max_tokens": request.max_new_tokens} | sampling,
            notes=Notes("", acts_from, self.base_until(request, prompt, acts_from), draft),
            adapter=adapter,
            priority=request.service.priority,
            salt=request.service.salt,
        )

    def base_until(self, request: RoleRequest, prompt: EncodedPrompt, acts_from: int) -> int:
        """How many leading tokens have the base's KV.

        A token that a role embeds in its own way has not, wherever the role's adapter begins to act.
        """
        role = self._bundle.roles.get(request.role)
        if role is None or role.adapter is None or request.service.answerer is not None:
            return acts_from
        if role.adapter.embeddings:
            return 0
        if role.adapter.rows is None:
            return acts_from
        own = np.flatnonzero(np.isin(prompt.ids[:acts_from], role.adapter.rows.ids.numpy()))
        return int(own[0]) if len(own) else acts_from

    def spoken(self, finished: Finished) -> list[int]:
        """The reply's tokens, without the one that ended it."""
        return [token for token in finished.tokens if token not in self._encoder.stop_ids]

    def _adapter(self, request: RoleRequest, prompt: EncodedPrompt) -> tuple[Any, int]:
        """vLLM's adapter for a request, and from which token on it acts."""
        if request.role == "answerer" and request.service.answerer is not None:
            return self._answerer(request.service.answerer, prompt)
        adapter, invocation = self._role_adapters.get(request.role), self._invocations.get(request.role)
        if adapter is None or invocation is None:
            return adapter, 0
        start = find_invocation(prompt, invocation)
        if start is None:
            raise EngineError(
                f"the prompt of the {request.role} does not hold the invocation of its adapter; mend its role.json"
            )
        return adapter, start

    def _answerer(self, name: str, prompt: EncodedPrompt) -> tuple[Any, int]:
        """An answerer adapter; where it is not invoked it does not act at all, as in PEFT."""
        chosen = self._answerers.get(name)
        start = find_invocation(prompt, list(chosen.invocation)) if chosen.invocation else 0
        return (None, 0) if start is None else (lora_request(name, chosen.number, chosen.folder), start)
