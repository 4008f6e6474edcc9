"""What our model runners add to vLLM's: adapters token by token, hidden states in pages, grounding, visual counts.

Written for the methods that `GPUModelRunner` (release V1) and `CPUModelRunner` share.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from videomind.lora_switch.vllm_plugin.grounding import Grounder
from videomind.lora_switch.vllm_plugin.notes import Notes, notes_of

if TYPE_CHECKING:
    from vllm.v1.worker.gpu_model_runner import GPUModelRunner as _AnyRunner
else:
    _AnyRunner = object

MAX_OUTCOMES = 65_536


class ChainRunner(_AnyRunner):
    """Mixin; stands before vLLM's runner in the bases of a class."""

    def load_model(self, *args: Any, **kwargs: Any) -> None:
        super().load_model(*args, **kwargs)
        settings = self.model.settings
        act = self.model_config.hf_config.get_text_config().hidden_act
        self._grounder = Grounder(settings.decoder, act, self.device) if settings.decoder else None
        self._outcomes: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.preempted = self.forwards = 0

    def set_active_loras(
        self,
        input_batch: Any,
        num_scheduled_tokens: np.ndarray,
        num_sampled_tokens: np.ndarray | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Adapters of the coming forward: on a request's tokens before `acts_from` none acts."""
        if num_sampled_tokens is None:
            num_sampled_tokens = np.ones_like(num_scheduled_tokens, dtype=np.int32)
        samples, tokens, requests = input_batch.make_lora_inputs(num_scheduled_tokens, num_sampled_tokens)
        self.model.tables.route(np.asarray(tokens), np.asarray(samples))
        acting = np.array(tokens)
        ends = np.cumsum(num_scheduled_tokens)
        for row, request in enumerate(input_batch.req_ids):
            notes = self._notes(request)
            if notes is not None and notes.acts_from:
                first = int(ends[row] - num_scheduled_tokens[row])
                base = max(0, notes.acts_from - int(input_batch.num_computed_tokens_cpu[row]))
                acting[first : min(first + base, int(ends[row]))] = 0
        self._set_active_loras(samples, tuple(acting.tolist()), requests, *args, **kwargs)

    def _update_states(self, scheduler_output: Any, *args: Any, **kwargs: Any) -> Any:
        self.preempted += len(scheduler_output.preempted_req_ids or ())
        return super()._update_states(scheduler_output, *args, **kwargs)

    def _model_forward(self, *args: Any, **kwargs: Any) -> Any:
        states = super()._model_forward(*args, **kwargs)
        self.forwards += 1
        self.model.pages.write(states)
        self._ground_finished_prompts()
        return states

    def _execute_mm_encoder(self, scheduler_output: Any) -> Any:
        for request, inputs in scheduler_output.scheduled_encoder_inputs.items():
            notes = self._notes(request)
            if notes is not None:
                outcome = self._outcome(notes.key)
                outcome["encoded"] = outcome.get("encoded", 0) + len(inputs)
        return super()._execute_mm_encoder(scheduler_output)

    def take_outcomes(self, keys: list[str]) -> list[dict[str, Any]]:
        """What was found out about these requests: `encoded` views, and of a grounding `said` and `spans`."""
        return [self._outcomes.pop(key, {}) for key in keys]

    def forget(self) -> None:
        """Drop pooled views and what nobody took."""
        self._outcomes.clear()
        if self._grounder is not None:
            self._grounder.pooled.clear()

    def _ground_finished_prompts(self) -> None:
        batch = self.input_batch
        starts = self.query_start_loc.np
        for row, request in enumerate(batch.req_ids):
            notes = self._notes(request)
            if notes is None or notes.draft is None:
                continue
            done, length = int(batch.num_computed_tokens_cpu[row]), int(batch.num_prompt_tokens[row])
            if done < length <= done + int(starts[row + 1] - starts[row]):
                self._ground(row, request, notes, length)

    def _ground(self, row: int, request: str, notes: Notes, length: int) -> None:
        draft, state = notes.draft, self.requests[request]
        assert draft is not None
        assert self._grounder is not None
        adapter = int(self.input_batch.request_lora_mapping[row])
        video_ends = draft.video + draft.tokens
        view = (
            state.mm_features[0].identifier,
            tuple(state.prompt_token_ids[: draft.video]),
            0 if notes.base_until >= video_ends else adapter,
        )

        def read(first: int, last: int) -> Tensor:
            return self.model.pages.read(self._slots(row, first, length if last < 0 else last))

        grounded = self._grounder.ground(draft, view, read, lambda states: self.model.logits_as(adapter, states))
        if grounded is not None:
            self._outcome(notes.key).update(grounded._asdict())

    def _slots(self, row: int, first: int, last: int) -> Tensor:
        """Slots of a request's tokens in the paged cache."""
        table = self.input_batch.block_table.block_tables[0]
        places = torch.arange(first, last)
        blocks = torch.from_numpy(table.block_table.np[row])[places // table.block_size].long()
        return (blocks * table.block_size + places % table.block_size).to(self.device)

    def _outcome(self, key: str) -> dict[str, Any]:
        """The outcome under a key; those of requests that were given up are dropped in the end."""
        while len(self._outcomes) >= MAX_OUTCOMES:
            self._outcomes.popitem(last=False)
        return self._outcomes.setdefault(key, {})

    def _notes(self, request: str) -> Notes | None:
        return notes_of(self.requests[request].sampling_params)
