"""The reference engine: all roles on one resident backbone in torch, on CPU, CUDA or MPS."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from videomind.cancellable import Cancel
from videomind.engines.base import Choice, Engine, Grounding, Memory, Reply, RoleRequest
from videomind.engines.batch import Prepared
from videomind.engines.device import pick_device, pick_dtype
from videomind.engines.reply_text import ReplyText
from videomind.engines.text_model import TextModel, all_states, check
from videomind.errors import BundleError, EngineError, InputError
from videomind.kernels.nms import Rows
from videomind.lora_switch.bundle import Bundle
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.byte_cache import ByteCache
from videomind.model.decoder import TimestampDecoder
from videomind.model.prompt import EncodedPrompt, PromptEncoder, find_invocation
from videomind.model.qwen2_vl import Qwen2VLBackbone
from videomind.vision.clip import Clip
from videomind.vision.patches import patchify

MAX_PATCHES, MAX_PATCHES_ON_CPU = 32_768, 4096
"""Patches that go through the visual tower at once."""
VISUAL_CACHE_BYTES = 1 << 30


class TorchEngine(Engine):
    """Loads a bundle once; every role is chosen per request.

    Args:
        bundle: a checked model folder.
        device: "cpu", "cuda", "mps", or "auto" for the best there is.
        dtype: "float32", "bfloat16", "float16", or "auto": float32 on CPU, else bfloat16 (float16 on MPS).
        compat: generate the grounder's reply token by token, as the published code does.

    Raises:
        BundleError: the bundle does not fit its base.
        EngineError: the device is not there.
    """

    name = "torch"

    def __init__(self, bundle: Bundle, device: str = "auto", dtype: str = "auto", compat: bool = False) -> None:
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
        self._text = TextModel(backbone, self._switch, self.device)
        specs = [role.spec for role in bundle.roles.values()]
        self._invocations = {s.name: self._encoder.ids(s.invocation) for s in specs if s.invocation}
        decoder = bundle.roles["grounder"].decoder if "grounder" in bundle.roles else None
        self._decoder = load_decoder(decoder, backbone, self.device) if decoder else None
        self._views = ByteCache[Tensor](VISUAL_CACHE_BYTES)

    def generate(self, requests: Sequence[RoleRequest], cancel: Cancel | None = None) -> list[Reply]:
        items = self._prepare(requests, cancel)
        return self._text.in_groups(items, lambda group: self._generate(group, cancel))

    def stream(self, request: RoleRequest, cancel: Cancel | None = None) -> Iterator[str | Reply]:
        reply = ReplyText(self._encoder)
        (item,) = self._prepare([request], cancel)
        for step in self._text.decode([item], cancel):
            if step.tokens[0] in self._encoder.stop_ids:
                break
            if piece := reply.add(step.tokens[0]):
                yield piece
        if rest := reply.rest():
            yield rest
        yield Reply(reply.text, item.usage)

    def choose(
        self, requests: Sequence[RoleRequest], choices: Sequence[str], cancel: Cancel | None = None
    ) -> list[Choice]:
        ids = [self._encoder.token_id(choice) for choice in choices]
        items = self._prepare(requests, cancel)
        return self._text.in_groups(items, lambda group: self._choose(group, ids, cancel))

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
        self._views.clear()
        self._text.forget()

    def close(self) -> None:
        del self._backbone, self._switch, self._decoder, self._views, self._text
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _generate(self, items: list[Prepared], cancel: Cancel | None) -> list[Reply]:
        replies: list[list[int]] = [[] for _ in items]
        open_rows = set(range(len(items)))
        for step in self._text.decode(items, cancel):
            for row in sorted(open_rows):
                if step.tokens[row] in self._encoder.stop_ids:
                    open_rows.discard(row)
                else:
                    replies[row].append(step.tokens[row])
                    if len(replies[row]) == items[row].request.max_new_tokens:
                        open_rows.discard(row)
            if not open_rows:
                break
        return [Reply(self._encoder.decode(ids), item.usage) for ids, item in zip(replies, items, strict=True)]

    def _choose(self, items: list[Prepared], ids: list[int], cancel: Cancel | None) -> list[Choice]:
        states_BH = self._text.prefill(items, cancel).states[:, -1]
        rows = [
            self._text.logits(state, item.request.role).softmax(-1)[ids]
            for item, state in zip(items, states_BH, strict=True)
        ]
        return [Choice(tuple(row.tolist()), item.usage) for row, item in zip(rows, items, strict=True)]

    def _ground_by_draft(self, items: list[Prepared], cancel: Cancel | None) -> list[Grounding | None]:
        """One prefill with the expected reply appended; None where the role would have said something else."""
        states_BLH = self._text.prefill(items, cancel).states
        groundings: list[Grounding | None] = []
        for item, states in zip(items, states_BLH, strict=True):
            states = all_states(item, states)
            draft = item.prompt.ids[item.prompt.prompt_length :]
            logits = self._text.logits(states[item.prompt.prompt_length - 1 :], "grounder")
            said = logits.argmax(-1).tolist()
            agreed = bool(draft) and said[:-1] == draft and said[-1] in self._encoder.stop_ids
            if not agreed or self._reg not in draft:
                groundings.append(None)
                continue
            query = states[item.prompt.prompt_length - 1 + draft.index(self._reg)]
            groundings.append(Grounding(item.request.reply_prefix, self._spans(item, states, query), item.usage))
        return groundings

    def _ground_by_generating(self, request: RoleRequest, cancel: Cancel | None) -> Grounding:
        """The published way: decode the reply, and read the states where it says `<|reg|>`."""
        bare = RoleRequest(request.role, request.clip, request.text, max_new_tokens=request.max_new_tokens)
        (item,) = self._prepare([bare], cancel)
        ids: list[int] = []
        spans = None
        prefilled = self._text.prefill([item], cancel)
        for step in self._text.decode_on([item], prefilled, cancel):
            token = step.tokens[0]
            if token in self._encoder.stop_ids:
                break
            if token == self._reg and spans is None:
                spans = self._spans(item, all_states(item, prefilled.states[0]), step.states[0])
            ids.append(token)
        return Grounding(self._encoder.decode(ids), spans, item.usage)

    def _spans(self, item: Prepared, states_LH: Tensor, query_H: Tensor) -> Rows:
        assert self._decoder is not None
        video = states_LH[torch.from_numpy(item.prompt.video).to(states_LH.device)].float()
        pairs = item.request.clip.num_pairs
        return self._decoder.spans(video.unflatten(0, (pairs, -1)).mean(1), query_H)

    def _prepare(self, requests: Sequence[RoleRequest], cancel: Cancel | None) -> list[Prepared]:
        check(cancel)
        prompts = [self._prompt(request) for request in requests]
        clips = [request.clip for request in requests]
        views = self._views.get_all(
            [clip.key for clip in clips], lambda places: self._encode([clips[place] for place in places], cancel)
        )
        return self._text.with_prefixes(
            [
                Prepared(request, prompt, tokens, encoded, self._acts_from(request.role, prompt))
                for request, prompt, (tokens, encoded) in zip(requests, prompts, views, strict=True)
            ],
            cancel,
        )

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

    @torch.inference_mode()
    def _encode(self, clips: Sequence[Clip], cancel: Cancel | None) -> list[Tensor]:
        """Visual tokens of each clip; those of one picture size go through the tower together.

        Its attention never leaves a frame pair, so clips are put one behind the other like the pairs of one view.
        """
        tokens: dict[int, Tensor] = {}
        most = MAX_PATCHES_ON_CPU if self.device.type == "cpu" else MAX_PATCHES
        for group in _of_one_size(clips, most):
            check(cancel)
            cut = [patchify(clips[place].frames, self._encoder.mean, self._encoder.std) for place in group]
            _, rows, columns = cut[0].grid
            pairs = [patches.grid[0] for patches in cut]
            values = torch.cat([patches.values for patches in cut]).to(self.device)
            with self._text.guarded():
                encoded = self._backbone.encode(values, (sum(pairs), rows, columns))
            tokens |= zip(group, encoded.split([len(encoded) * count // sum(pairs) for count in pairs]), strict=True)
        return [tokens[place].clone() for place in range(len(clips))]


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


def _of_one_size(clips: Sequence[Clip], most: int) -> list[list[int]]:
    """Places of the clips in groups of one picture size, each of at most `most` patches (or a single clip)."""
    groups: list[list[int]] = []
    size: tuple[int, int] | None = None
    patches = 0
    for place in sorted(range(len(clips)), key=lambda place: clips[place].grid[1:]):
        pairs, *sides = clips[place].grid
        wanted = pairs * sides[0] * sides[1]
        if tuple(sides) != size or patches + wanted > most:
            groups.append([])
            size, patches = (sides[0], sides[1]), 0
        groups[-1].append(place)
        patches += wanted
    return groups
