"""The published way to answer a question, on the same weights: what `videomind` is measured against.

One request at a time: every call opens the video anew (decord, one thread), decodes and resizes its frames, makes
patches frame by frame in numpy as transformers 4.45 does, and encodes its view with that release's attention (one
masked attention over all frame pairs). The grounder generates its reply, the five candidates are verified one after
another, and nothing is kept between calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import decord
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from videomind.engines.base import RoleRequest
from videomind.engines.torch_engine import TorchEngine
from videomind.lora_switch.bundle import Bundle
from videomind.results import Candidate
from videomind.roles import answerer, grounder, planner, verifier
from videomind.roles.spans import widen_span
from videomind.roles.spec import View
from videomind.vision.clip import Clip, Span
from videomind.vision.sampling import sample_indices, smart_resize


class Published(NamedTuple):
    """What came out: replies of planner and answerer, and the verified candidates, best first."""

    plan: str
    candidates: tuple[Candidate, ...]
    answer: str


Encode = Callable[[nn.Module, Tensor, tuple[int, int, int]], Tensor]


def published_engine(bundle: Bundle, device: str, encode_patches: Encode) -> TorchEngine:
    """An engine without caches whose patches are made as in transformers 4.45, and encoded by `encode_patches`."""
    engine = TorchEngine(bundle, device=device, compat=True)
    engine._views.max_bytes = 0

    @torch.inference_mode()
    def encode(clip: Clip) -> Tensor:
        patches = numpy_patches(clip.frames, engine._encoder.mean, engine._encoder.std)
        return encode_patches(engine._backbone.visual, torch.from_numpy(patches).to(engine.device), clip.grid)

    engine._encode = encode  # type: ignore[method-assign, assignment]
    return engine


def ask(engine: TorchEngine, bundle: Bundle, path: Path, question: str, options: tuple[str, ...]) -> Published:
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
    (plan,) = engine.generate([request("planner", see("planner"), specs["planner"].user_text(question))])
    query = grounder.clean_query(planner.parse_plan(plan.text, question).query)
    (grounding,) = engine.ground([request("grounder", see("grounder"), specs["grounder"].user_text(query))])
    assert grounding.spans is not None, "choose a question that the grounder localises"
    candidates = grounder.spans_from_decoder(grounding.spans.tolist(), duration, compat=True)
    top, scores = candidates[: verifier.MAX_CANDIDATES], []
    for candidate in top:
        crop = verifier.crop_for(candidate.start, candidate.end, duration, specs["verifier"].min_span)
        clip = see("verifier", crop.span)
        segment = verifier.segment_positions(crop.start, crop.end, clip.num_pairs)
        text = specs["verifier"].user_text(question)
        (choice,) = engine.choose([request("verifier", clip, text, segment=segment)], (verifier.YES, verifier.NO))
        scores.append(verifier.score(*choice.probabilities))
    ranked = tuple(replace(top[i], verified=scores[i]) for i in verifier.rank(scores))
    span = widen_span(ranked[0].start, ranked[0].end, duration, specs["answerer"].min_span)
    asked = answerer.multiple_choice_text(question, options) if options else question
    text = specs["answerer"].user_text(asked)
    prefix = answerer.OPTION_PREFIX if options else ""
    (reply,) = engine.generate([request("answerer", see("answerer", span), text, prefix)])
    return Published(plan.text, ranked, reply.text)


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
