"""The published way to answer a question, on the same weights: what `videomind` is measured against.

One request at a time: every call opens and decodes the video anew, encodes its view anew with the attention of
transformers 4.45 (one masked attention over all frame pairs), the grounder generates its reply, the five candidates are
verified one after another, and nothing is kept between calls.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.engines.base import RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.bundle import Bundle
from videomind.results import Candidate
from videomind.roles import answerer, grounder, planner, verifier
from videomind.roles.spans import widen_span
from videomind.vision.clip import Clip, Span, load_clip
from videomind.vision.reader import open_video


class Published(NamedTuple):
    """What came out: replies of planner and answerer, and the verified candidates, best first."""

    plan: str
    candidates: tuple[Candidate, ...]
    answer: str


def published_engine(bundle: Bundle, device: str) -> TorchEngine:
    """An engine without caches whose visual tower attends as transformers 4.45 does."""
    engine = TorchEngine(bundle, device=device, compat=True)
    engine._views.max_bytes = 0
    engine._backbone.encode = lambda patches, grid: encode_masked(engine._backbone.visual, patches, grid)  # type: ignore[method-assign]
    return engine


def ask(engine: TorchEngine, bundle: Bundle, path: Path, question: str, options: tuple[str, ...]) -> Published:
    """The chain as published, from the file to the answer."""
    specs = {name: role.spec for name, role in bundle.roles.items()}

    def see(role: str, span: Span | None = None) -> Clip:
        with open_video(path) as reader:
            return load_clip(reader, specs[role].view, span)

    def request(
        role: str, clip: Clip, text: str, prefix: str = "", segment: tuple[int, int] | None = None
    ) -> RoleRequest:
        return RoleRequest(role, clip, text, prefix, segment, specs[role].max_new_tokens)

    with open_video(path) as reader:
        duration = reader.duration
    (plan,) = engine.generate([request("planner", see("planner"), specs["planner"].user_text(question))])
    query = grounder.clean_query(planner.parse_plan(plan, question).query)
    (grounding,) = engine.ground([request("grounder", see("grounder"), specs["grounder"].user_text(query))])
    assert grounding.spans is not None, "choose a question that the grounder localises"
    candidates = grounder.spans_from_decoder(grounding.spans.tolist(), duration, compat=True)
    top, scores = candidates[: verifier.MAX_CANDIDATES], []
    for candidate in top:
        crop = verifier.crop_for(candidate.start, candidate.end, duration, specs["verifier"].min_span)
        clip = see("verifier", crop.span)
        segment = verifier.segment_positions(crop.start, crop.end, clip.num_pairs)
        text = specs["verifier"].user_text(question)
        ((yes, no),) = engine.choose([request("verifier", clip, text, segment=segment)], ("Yes", "No"))
        scores.append(verifier.score(yes, no))
    ranked = tuple(top[i] for i in verifier.rank(scores))
    span = widen_span(ranked[0].start, ranked[0].end, duration, specs["answerer"].min_span)
    text = answerer.multiple_choice_text(question, options) if options else question
    prefix = answerer.OPTION_PREFIX if options else ""
    (reply,) = engine.generate([request("answerer", see("answerer", span), text, prefix)])
    return Published(plan, ranked, reply)


def encode_masked(visual: nn.Module, patches: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """Visual tokens with one attention over the whole view, a mask keeping frame pairs apart (transformers 4.45)."""
    pairs, size = grid[0], grid[1] * grid[2]
    pair = torch.arange(pairs).repeat_interleave(size)
    mask = (pair[:, None] == pair[None]).to(patches.device)

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)

    x = visual.patch_embed(patches.to(visual.patch_embed.proj.weight.dtype))
    cos, sin = _rotary(visual, grid, x)
    for block in visual.blocks:
        attention, normed = block.attn, block.norm1(x)
        qkv = attention.qkv(normed).reshape(len(x), 3, attention.num_heads, -1).permute(1, 2, 0, 3)
        q, k = (_rotate(part, cos, sin) for part in qkv[:2])
        merged = attend(q[None], k[None], qkv[2][None])[0].transpose(0, 1).flatten(1)
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
