"""The reference engine: all roles on one resident backbone in torch, on CPU, CUDA or MPS."""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterator, Sequence

import torch
from torch import Tensor

from videomind.cancellable import Cancel, check
from videomind.engines.base import Choice, Engine, Grounding, Memory, Reply, RoleRequest
from videomind.engines.batch import Prepared
from videomind.engines.device import pick_device, pick_dtype
from videomind.engines.reply_text import ReplyText
from videomind.engines.text_model import TextModel, frame_states
from videomind.engines.torch_options import TorchOptions
from videomind.engines.views import ViewEncoder
from videomind.errors import BundleError, EngineError, InputError
from videomind.kernels.nms import Rows
from videomind.lora_switch.bundle import Bundle
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.decoder import TimestampDecoder
from videomind.model.prompt import EncodedPrompt, PromptEncoder, find_invocation
from videomind.model.qwen2_vl import Qwen2VLBackbone

TORCH_DEFAULTS = TorchOptions()


class TorchEngine(Engine):
    """Loads a bundle once; every role is chosen per request.

    Args:
        bundle: a checked model folder.
        device: "cpu", "cuda", "mps", or "auto" for the best there is.
        dtype: "float32", "bfloat16", "float16", or "auto": float32 on CPU, else bfloat16 (float16 on MPS).
        compat: generate the grounder's reply token by token, as the published code does.
        options: what is kept for further questions.

    Raises:
        BundleError: the bundle does not fit its base.
        EngineError: the device is not there.
    """

    name = "torch"

    def __init__(
        self,
        bundle: Bundle,
        device: str = "auto",
        dtype: str = "auto",
        compat: bool = False,
        options: TorchOptions = TORCH_DEFAULTS,
    ) -> None:
        self.device = pick_device(device)
        self.dtype = pick_dtype(dtype, self.device)
        self._compat = compat
        self._backbone = Qwen2VLBackbone.from_pretrained(bundle.base, self.device, self.dtype)
        self._encoder = PromptEncoder(bundle.processor, self._backbone.merge)
        special = bundle.manifest.special_tokens
        self._reg = self._encoder.token_id(special.reg)
        self._segment = (self._encoder.token_id(special.seg_start), self._encoder.token_id(special.seg_end))
        adapters = {name: role.adapter for name, role in bundle.roles.items() if role.adapter is not None}
        backbone = self._backbone
        self._switch = RoleSwitch(backbone.text, backbone.embed_tokens, backbone.lm_head, adapters)
        encoder, kv = self._encoder, (options.kv_cache_memory, options.kv_cache)
        self._text = TextModel(backbone, self._switch, self.device, encoder.stop_ids, *kv)
        self._views = ViewEncoder(
            backbone, encoder.mean, encoder.std, self.device, self._text.guarded, options.visual_cache_memory
        )
        specs = [role.spec for role in bundle.roles.values()]
        self._invocations = {s.name: self._encoder.ids(s.invocation) for s in specs if s.invocation}
        decoder = bundle.roles["grounder"].decoder if "grounder" in bundle.roles else None
        self._decoder = load_decoder(decoder, backbone, self.device) if decoder else None

    def generate(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Reply]:
        items = self._prepare(requests, cancel)
        return self._text.in_groups(items, lambda group: self._generate(group, cancel))

    def stream(self, request: RoleRequest, cancel: Cancel | None = None) -> Iterator[str | Reply]:
        reply = ReplyText(self._encoder)
        prefilled = self._text.prefill(self._text.with_guesses(self._prepare([request], cancel)), cancel)
        for step in self._text.decode(prefilled, cancel):
            if piece := "".join(reply.add(token) for token in step[0].tokens):
                yield piece
        if rest := reply.rest():
            yield rest
        yield Reply(reply.text, prefilled.items[0].usage)

    def choose(
        self, requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[Choice]:
        ids = [self._encoder.token_id(choice) for choice in choices]
        places: dict[Hashable, int] = {}
        for place, request in enumerate(requests):
            places.setdefault(_what_is_seen(request), place)  # candidates may be the same: equal ones get equal scores
        items = self._prepare([requests[place] for place in places.values()], cancel)
        scored = self._text.in_groups(items, lambda group: self._choose(group, ids, cancel))
        found = dict(zip(places, scored, strict=True))
        return [
            choice if places[key] == place else choice._replace(usage=choice.usage.again())
            for place, key in enumerate(map(_what_is_seen, requests))
            for choice in (found[key],)
        ]

    def ground(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Grounding]:
        if self._decoder is None:
            raise EngineError("this model has no grounder")
        if self._compat:
            return [self._ground_by_generating(request, cancel) for request in requests]
        items = self._prepare(requests, cancel)
        drafts = self._text.in_groups(items, lambda group: self._ground_by_draft(group, cancel))
        return [
            self._ground_by_generating(request, cancel) if grounding is None else grounding
            for request, grounding in zip(requests, drafts, strict=True)
        ]

    def memory(self) -> Memory:
        roles = {role: dict(parts) for role, parts in self._switch.memory().items()}
        if self._decoder is not None:
            weights = sum(p.numel() * p.element_size() for p in self._decoder.parameters())
            roles.setdefault("grounder", {})["decoder"] = weights
        return Memory(self._backbone.parameters_bytes(), roles)

    def forget(self) -> None:
        self._views.pairs.clear()
        self._text.forget()

    def close(self) -> None:
        del self._backbone, self._switch, self._decoder, self._views, self._text
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _generate(self, items: list[Prepared], cancel: Cancel | None) -> list[Reply]:
        prefilled = self._text.prefill(self._text.with_guesses(items), cancel)
        replies: list[list[int]] = [[] for _ in items]
        for step in self._text.decode(prefilled, cancel):
            for place, said in step.items():
                replies[place] += said.tokens
        texts = (self._encoder.decode(ids) for ids in replies)
        return [Reply(text, item.usage) for text, item in zip(texts, prefilled.items, strict=True)]

    def _choose(self, items: list[Prepared], ids: list[int], cancel: Cancel | None) -> list[Choice]:
        items, rests, _ = self._text.prefill(items, cancel)
        logits = self._text.logits([rest[-1:] for rest in rests], [item.request.role for item in items])
        return [
            Choice(tuple(scores[0].softmax(-1)[ids].tolist()), item.usage)
            for item, scores in zip(items, logits, strict=True)
        ]

    def _ground_by_draft(self, items: list[Prepared], cancel: Cancel | None) -> list[Grounding | None]:
        """One prefill with the expected reply appended; None where the role would have said something else."""
        items, rests, _ = self._text.prefill(items, cancel)
        states = [rest[item.prompt.prompt_length - 1 - item.start :] for item, rest in zip(items, rests, strict=True)]
        said = self._text.logits(states, ["grounder"] * len(items))
        localised: dict[int, tuple[Tensor, Tensor]] = {}
        for place, item in enumerate(items):
            draft, tokens = item.prompt.ids[item.prompt.prompt_length :], said[place].argmax(-1).tolist()
            if draft and self._reg in draft and tokens[:-1] == draft and tokens[-1] in self._encoder.stop_ids:
                localised[place] = frame_states(item, rests[place]), states[place][draft.index(self._reg)]
        spans = dict(zip(localised, self._spans(list(localised.values())), strict=True))
        return [
            Grounding(item.request.reply_prefix, spans[place], item.usage) if place in spans else None
            for place, item in enumerate(items)
        ]

    def _ground_by_generating(self, request: RoleRequest, cancel: Cancel | None) -> Grounding:
        """The published way: decode the reply, and read the states where it says `<|reg|>`."""
        bare = RoleRequest(request.role, request.clip, request.text, max_new_tokens=request.max_new_tokens)
        prefilled = self._text.prefill(self._prepare([bare], cancel), cancel)
        (item,), (rest,), _ = prefilled
        ids: list[int] = []
        spans: Rows | None = None
        for step in self._text.decode(prefilled, cancel):
            tokens, states, _ = step[0]
            if self._reg in tokens and spans is None:
                (spans,) = self._spans([(frame_states(item, rest), states[tokens.index(self._reg)])])
            ids += tokens
        return Grounding(self._encoder.decode(ids), spans, item.usage)

    def _spans(self, localised: Sequence[tuple[Tensor, Tensor]]) -> list[Rows]:
        """Spans from frame states [T, H] and the query's state [H] of each, those of one length together."""
        assert self._decoder is not None
        found: dict[int, Rows] = {}
        lengths = [len(frames) for frames, _ in localised]
        for length in set(lengths):
            places = [place for place, one in enumerate(lengths) if one == length]
            frames, queries = (torch.stack(part) for part in zip(*(localised[p] for p in places), strict=True))
            found |= zip(places, self._decoder.spans_of_all(frames, queries), strict=True)
        return [found[place] for place in range(len(localised))]

    def _prepare(self, requests: Sequence[RoleRequest], cancel: Cancel | None) -> list[Prepared]:
        check(cancel)
        prompts = [self._prompt(request) for request in requests]
        views = self._views.encode([request.clip for request in requests], cancel)
        return [
            Prepared(request, prompt, *view, self._acts_from(request.role, prompt))
            for request, prompt, view in zip(requests, prompts, views, strict=True)
        ]

    def _prompt(self, request: RoleRequest) -> EncodedPrompt:
        clip = request.clip
        prompt = self._encoder.encode(
            request.text,
            clip.grid,
            reply_prefix=request.reply_prefix,
            segment=request.segment,
            segment_ids=self._segment,
        )
        if len(prompt.ids) + request.max_new_tokens > self._backbone.max_length:
            raise InputError(
                f"prompt of {len(prompt.ids)} tokens is too long for this model (context {self._backbone.max_length})"
            )
        return prompt

    def _acts_from(self, role: str, prompt: EncodedPrompt) -> int:
        """The first token on which the role's adapter acts: an activated LoRA's invocation, else the very first."""
        invocation = self._invocations.get(role)
        if invocation is None:
            return 0
        start = find_invocation(prompt, invocation)
        if start is None:
            raise EngineError(
                f"the prompt of the {role} does not hold the invocation of its adapter; mend its role.json"
            )
        return start


def _what_is_seen(request: RoleRequest) -> Hashable:
    """Equal for requests to score the same thing."""
    return request.role, request.clip.key, request.text, request.reply_prefix, request.segment


def load_decoder(state: dict[str, Tensor], backbone: Qwen2VLBackbone, device: torch.device) -> TimestampDecoder:
    """The timestamp decoder of a bundle, in float32, checked against the backbone.

    Raises:
        BundleError: weights are missing, unknown, or made for another width.
    """
    try:
        decoder = TimestampDecoder.from_state_dict(state, backbone.hidden_act)
    except (KeyError, RuntimeError, ValueError) as error:
        raise BundleError(f"the timestamp decoder does not load: {' '.join(str(error).split())[:300]}") from error
    width = state["vis_proj.1.weight"].shape[1]
    if width != backbone.hidden_size:
        raise BundleError(f"the timestamp decoder is for states of width {width}; this base has {backbone.hidden_size}")
    return decoder.to(device)
