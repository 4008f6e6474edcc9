"""The published way to answer a question, on the same weights: what `videomind` is measured against.

One request at a time on transformers' model with PEFT's adapters: every call opens the video anew (decord, one
thread), decodes and resizes its frames, makes patches frame by frame in numpy as transformers 4.45 does, and encodes
its view with that release's attention (one masked attention over all frame pairs). The grounder generates its reply,
the five candidates are verified one after another, and nothing is kept between calls. Prompts, positions, embeddings
and the timestamp decoder are ours, which only makes it faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import decord
import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import DynamicCache

from videomind.engines.base import RoleRequest
from videomind.engines.device import pick_dtype
from videomind.engines.prefix import pooled
from videomind.engines.torch_engine import load_decoder
from videomind.kernels.nms import Rows
from videomind.lora_switch.bundle import Bundle
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.prompt import EncodedPrompt, PromptEncoder, find_invocation
from videomind.model.qwen2_vl import Qwen2VLBackbone
from videomind.results import Candidate
from videomind.roles import answerer, grounder, planner, verifier
from videomind.roles.spans import widen_span
from videomind.roles.spec import View
from videomind.vision.clip import Clip, Span
from videomind.vision.sampling import sample_indices, smart_resize

Encode = Callable[[nn.Module, Tensor, tuple[int, int, int]], Tensor]


class Published(NamedTuple):
    """What came out: replies of planner and answerer, and the verified candidates, best first."""

    plan: str
    candidates: tuple[Candidate, ...]
    answer: str


class PublishedSystem:
    """The published system on a bundle.

    Args:
        bundle: with plain or activated LoRA.
        device: where it runs.
        encode: how a view is encoded.
    """

    def __init__(self, bundle: Bundle, device: str, encode: Encode) -> None:
        self.device = torch.device(device)
        self._encode = encode
        self._backbone = Qwen2VLBackbone.from_pretrained(bundle.base, self.device, pick_dtype("auto", self.device))
        self._encoder = PromptEncoder(bundle.processor, self._backbone.merge)
        adapters = {name: role.adapter for name, role in bundle.roles.items() if role.adapter is not None}
        backbone, special = self._backbone, bundle.manifest.special_tokens
        self._switch = RoleSwitch(backbone.text, backbone.embed_tokens, backbone.lm_head, adapters)  # for embeddings
        self._peft: Any = None
        for role, adapter in adapters.items():
            pair = next(iter(adapter.pairs.values()))
            rank = pair.a.shape[0]
            config = LoraConfig(r=rank, lora_alpha=round(pair.scale * rank), target_modules=list(adapter.pairs))
            if bundle.roles[role].spec.invocation:
                config.alora_invocation_tokens = self._encoder.ids(bundle.roles[role].spec.invocation)
            if self._peft is None:
                self._peft = get_peft_model(backbone.text, config, adapter_name=role)
            else:
                self._peft.add_adapter(role, config)
            weights = dict(self._peft.named_parameters())
            for name, one in adapter.pairs.items():
                for part, factor in (("lora_A", one.a), ("lora_B", one.b)):
                    weights[f"base_model.model.{name}.{part}.{role}.weight"].data = factor.to(backbone.lm_head.weight)
        self._peft.eval()
        self._invocations = {
            name: self._encoder.ids(role.spec.invocation) for name, role in bundle.roles.items() if role.spec.invocation
        }
        self._reg = self._encoder.token_id(special.reg)
        self._segment = (self._encoder.token_id(special.seg_start), self._encoder.token_id(special.seg_end))
        state = bundle.roles["grounder"].decoder
        assert state is not None, "choose a model with a timestamp decoder"
        self._decoder = load_decoder(state, backbone, self.device)

    def reply(self, request: RoleRequest) -> str:
        """A generated reply."""
        return self._encoder.decode([token for token, _ in self._generate(request, self._prompt(request))[1]])

    def ground(self, request: RoleRequest) -> Rows | None:
        """The spans of a generated reply; None where it does not localise."""
        prompt = self._prompt(request)
        states, said = self._generate(request, prompt)
        query = next((state for token, state in said if token == self._reg), None)
        if query is None:
            return None
        return self._decoder.spans(pooled(states, prompt.video, request.clip.num_pairs), query)

    def choose(self, request: RoleRequest, choices: Sequence[str]) -> tuple[float, ...]:
        """Probabilities of the choices as the first token."""
        prompt = self._prompt(request)
        states = self._forward(request, prompt, DynamicCache(config=self._backbone.text.config))
        scores = self._logits(states[-1], request.role).softmax(-1)
        return tuple(float(scores[self._encoder.token_id(choice)]) for choice in choices)

    def _prompt(self, request: RoleRequest) -> EncodedPrompt:
        grid, prefix = request.clip.grid, request.reply_prefix
        return self._encoder.encode(
            request.text, grid, reply_prefix=prefix, segment=request.segment, segment_ids=self._segment
        )

    @torch.inference_mode()
    def _generate(self, request: RoleRequest, prompt: EncodedPrompt) -> tuple[Tensor, list[tuple[int, Tensor]]]:
        """States [L, H] of the prompt; and the reply's tokens, each with the state that predicted it."""
        cache = DynamicCache(config=self._backbone.text.config)
        states = self._forward(request, prompt, cache)
        said: list[tuple[int, Tensor]] = []
        last, place = states[-1], int(prompt.positions.max()) + 1
        while len(said) < request.max_new_tokens:
            token = int(self._logits(last, request.role).argmax())
            if token in self._encoder.stop_ids:
                break
            said.append((token, last))
            embeds = self._switch.embed([torch.tensor([token], device=self.device)], [request.role])
            positions = torch.full((3, 1, 1), place + len(said) - 1, device=self.device)
            with self._acting(request.role, 1):
                last = self._states(embeds, positions, cache)[0]
        return states, said

    @torch.inference_mode()
    def _forward(self, request: RoleRequest, prompt: EncodedPrompt, cache: Any) -> Tensor:
        patches = torch.from_numpy(numpy_patches(request.clip.frames, self._encoder.mean, self._encoder.std))
        visual = self._encode(self._backbone.visual, patches.to(self.device), request.clip.grid)
        embeds = self._switch.embed([torch.tensor(prompt.ids, device=self.device)], [request.role])
        embeds[torch.from_numpy(prompt.video).to(self.device)] = visual.to(embeds.dtype)
        invocation = self._invocations.get(request.role)
        start = 0 if invocation is None else find_invocation(prompt, invocation)
        assert start is not None
        with self._acting(request.role, len(prompt.ids) - start):
            return self._states(embeds, torch.from_numpy(prompt.positions)[:, None].to(self.device), cache)

    def _states(self, embeds_LH: Tensor, positions_31L: Tensor, cache: Any) -> Tensor:
        text = self._backbone.text
        out = text(inputs_embeds=embeds_LH[None], position_ids=positions_31L, past_key_values=cache, use_cache=True)
        states: Tensor = out.last_hidden_state[0]
        return states

    @contextmanager
    def _acting(self, role: str, last: int) -> Iterator[None]:
        """The adapter of a role on the last tokens (activated LoRA), or on all; none where the role has none."""
        if self._switch.index(role) < 0:
            with self._peft.disable_adapter():
                yield
            return
        self._peft.set_adapter(role)
        with self._peft._enable_peft_forward_hooks(**({"alora_offsets": [last]} if role in self._invocations else {})):
            yield

    def _logits(self, states: Tensor, role: str) -> Tensor:
        head, rows = self._switch.head(role), self._switch.rows(role)
        normed = self._backbone.final_norm(states)
        logits = F.linear(normed, head).float()
        return logits if rows is None else rows.scored(logits, normed)


def ask(system: PublishedSystem, bundle: Bundle, path: Path, question: str, options: tuple[str, ...]) -> Published:
    """The chain as published, from the file to the answer."""
    specs = {name: role.spec for name, role in bundle.roles.items()}

    def see(role: str, span: Span | None = None) -> Clip:
        return read_clip(path, specs[role].view, span)

    def request(
        role: str, clip: Clip, text: str, prefix: str = "", segment: tuple[int, int] | None = None
    ) -> RoleRequest:
        return RoleRequest(role, clip, text, prefix, segment, specs[role].max_new_tokens)

    reader = decord.VideoReader(str(path), num_threads=1)
    duration = len(reader) / reader.get_avg_fps()
    plan = system.reply(request("planner", see("planner"), specs["planner"].user_text(question)))
    query = grounder.clean_query(planner.parse_plan(plan, question).query)
    spans = system.ground(request("grounder", see("grounder"), specs["grounder"].user_text(query)))
    assert spans is not None, "choose a question that the grounder localises"
    candidates = grounder.spans_from_decoder(spans.tolist(), duration, compat=True)
    top, scores = candidates[: verifier.MAX_CANDIDATES], []
    for candidate in top:
        crop = verifier.crop_for(candidate.start, candidate.end, duration, specs["verifier"].min_span)
        clip = see("verifier", crop.span)
        segment = verifier.segment_positions(crop.start, crop.end, clip.num_pairs)
        text = specs["verifier"].user_text(question)
        judged = system.choose(request("verifier", clip, text, segment=segment), (verifier.YES, verifier.NO))
        scores.append(verifier.score(*judged))
    ranked = tuple(replace(top[i], verified=scores[i]) for i in verifier.rank(scores))
    span = widen_span(ranked[0].start, ranked[0].end, duration, specs["answerer"].min_span)
    asked = answerer.multiple_choice_text(question, options) if options else question
    text = specs["answerer"].user_text(asked)
    prefix = answerer.OPTION_PREFIX if options else ""
    answer = system.reply(request("answerer", see("answerer", span), text, prefix))
    return Published(plan, ranked, answer)


def read_clip(path: Path, view: View, span: Span | None) -> Clip:
    """Frames of one view, decoded and resized from the file alone."""
    reader = decord.VideoReader(str(path), num_threads=1)
    fps = reader.get_avg_fps()
    indices = sample_indices(len(reader), fps, view, span).tolist()
    frames_TCHW = torch.tensor(reader.get_batch(indices).asnumpy()).permute(0, 3, 1, 2)
    size = smart_resize(*frames_TCHW.shape[2:], view.min_pixels, view.max_pixels)
    resized = F.interpolate(frames_TCHW.float(), size, mode="bicubic", antialias=True).clamp(0, 255).round()
    frames = resized.permute(0, 2, 3, 1).to(torch.uint8).numpy()
    return Clip(frames, tuple(indices), span or (0.0, len(reader) / fps), fps, content=str(path))


def numpy_patches(frames: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """Patches [T·h·w, 1176], each frame scaled and normalised by itself."""
    shift, scale = np.array(mean, dtype=np.float32), np.array(std, dtype=np.float32)
    normal = [((frame.astype(np.float32) * np.float32(1 / 255) - shift) / scale).transpose(2, 0, 1) for frame in frames]
    if len(normal) % 2:
        normal.append(normal[-1])
    pixels = np.array(normal)
    pairs, rows, columns = len(pixels) // 2, pixels.shape[2] // 28, pixels.shape[3] // 28
    cut = pixels.reshape(pairs, 2, 3, rows, 2, 14, columns, 2, 14).transpose(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return cut.reshape(pairs * rows * columns * 4, -1)


def encode_masked(visual: nn.Module, patches: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """Visual tokens as transformers 4.45 computes them with "sdpa", the published setting.

    Every layer makes a mask [1, N, N] that keeps frame pairs apart, and attends over all N patches of the view at
    once, on tensors without a batch dimension.
    """
    size, count = grid[1] * grid[2], len(patches)

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        mask = torch.zeros(1, count, count, dtype=torch.bool, device=query.device)
        for start in range(0, count, size):
            mask[..., start : start + size, start : start + size] = True
        return F.scaled_dot_product_attention(query, key, value, mask)

    x = visual.patch_embed(patches.to(visual.patch_embed.proj.weight.dtype))
    cos, sin = _rotary(visual, grid, x)
    for block in visual.blocks:
        attention, normed = block.attn, block.norm1(x)
        qkv = attention.qkv(normed).reshape(len(x), 3, attention.num_heads, -1).permute(1, 2, 0, 3)
        q, k = (_rotate(part, cos, sin) for part in qkv[:2])
        merged = attend(q, k, qkv[2]).transpose(0, 1).flatten(1)
        x = x + attention.proj(merged)
        x = x + block.mlp(block.norm2(x))
    tokens: Tensor = visual.merger(x)
    return tokens


def _rotary(visual: nn.Module, grid: tuple[int, int, int], x: Tensor) -> tuple[Tensor, Tensor]:
    from transformers.models.qwen2_vl.modeling_qwen2_vl import get_vision_position_ids

    places = get_vision_position_ids(torch.tensor([grid]), visual.spatial_merge_size, kwargs={})
    cos, sin = visual.rotary_pos_emb(x, places.to(x.device))
    return cos, sin


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.float().chunk(2, dim=-1)
    return (x.float() * cos + torch.cat([-second, first], dim=-1) * sin).to(x.dtype)
