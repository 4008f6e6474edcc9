"""From settings to the model in training: base, tokenizer, new tokens, adapter, decoder."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from videomind.engines.torch_engine import load_decoder
from videomind.errors import InputError
from videomind.model.decoder import TimestampDecoder
from videomind.model.prompt import PromptEncoder, find_invocation
from videomind.model.qwen2_vl import Qwen2VLBackbone, load_model
from videomind.training.config import TrainConfig
from videomind.training.encode import ItemEncoder
from videomind.training.methods import attach
from videomind.training.model_source import BASE, ModelSource
from videomind.training.rows import NewRows, add_tokens, make_room, new_ids
from videomind.training.trainable import Pixels, Trainable

RARE = -3.0
"""Logit with which a new decoder's classifier starts: few points stand for a span."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """What is trained, and what makes its inputs.

    Attributes:
        trainable: the model.
        items: makes its items.
        encoder: the tokenizer, new tokens added.
        tokens_added: whether the tokenizer is another than the source's.
        grown_for: the new tokens for which the base's embedding had to grow, so that it is another base now.
    """

    trainable: Trainable
    items: ItemEncoder
    encoder: PromptEncoder
    tokens_added: bool
    grown_for: list[int]


def build(config: TrainConfig, source: ModelSource, dtype: torch.dtype) -> Workbench:
    """Everything on the CPU, seeded.

    Args:
        config: the settings.
        source: what is trained.
        dtype: of the frozen backbone; what learns is kept in float32.

    Raises:
        BundleError: the base or its tokenizer cannot be used.
        InputError: the method or the prompt does not suit the model.
    """
    torch.manual_seed(config.seed)
    whole = source.role == BASE
    model = load_model(source.base, torch.float32 if whole else dtype)
    if config.gradient_checkpointing:
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    encoder = PromptEncoder(source.processor, model.config.vision_config.spatial_merge_size)
    added = add_tokens(encoder, source.manifest.special_tokens)
    ids = new_ids(source, encoder)
    grown_for = ids if make_room(model, ids) else []
    backbone = Qwen2VLBackbone(model.requires_grad_(False))
    invocation = encoder.ids(source.spec.invocation) if source.spec.invocation and not whole else []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
        adapter = None if whole else attach(backbone.text, source.method, invocation or None)
    trainable = Trainable(
        model,
        backbone,
        Pixels(encoder.mean, encoder.std),
        adapter=adapter,
        rows=NewRows(ids, backbone.embed_tokens.weight, backbone.lm_head.weight) if ids else None,
        decoder=_decoder(source, backbone) if source.role == "grounder" else None,
        train_visual=whole and config.train_visual,
    )
    if whole:
        _open(trainable, config.train_visual)
    return Workbench(trainable, _items(source, encoder, backbone, invocation), encoder, added, grown_for)


def _items(
    source: ModelSource, encoder: PromptEncoder, backbone: Qwen2VLBackbone, invocation: list[int]
) -> ItemEncoder:
    tokens = source.manifest.special_tokens
    segment = encoder.token_id(tokens.seg_start), encoder.token_id(tokens.seg_end)
    items = ItemEncoder(encoder, segment, encoder.token_id(tokens.reg), invocation, backbone.max_length)
    _check_invocation(source, encoder, invocation)
    return items


def _check_invocation(source: ModelSource, encoder: PromptEncoder, invocation: list[int]) -> None:
    """Before anything is decoded: the prompt as it will be holds the tokens of the invocation."""
    if not invocation:
        return
    prompt = encoder.encode(source.spec.user_text("something"), (1, encoder.merge, encoder.merge))
    if find_invocation(prompt, invocation) is None:
        raise InputError(
            f"the prompt of the {source.role} does not hold its invocation {source.spec.invocation!r} token by token: "
            f"set role.invocation to a part of it that ends where a token ends; the prompt is {source.spec.prompt!r}"
        )


def _decoder(source: ModelSource, backbone: Qwen2VLBackbone) -> TimestampDecoder:
    """The model's own decoder to go on from, or a new one."""
    if source.decoder is not None:
        return load_decoder(source.decoder, backbone, torch.device("cpu")).requires_grad_(True)
    decoder = TimestampDecoder(backbone.hidden_size, hidden_act=backbone.hidden_act)
    bias: Any = decoder.class_head.module[3].bias
    nn.init.constant_(bias, RARE)
    return decoder


def _open(trainable: Trainable, visual: bool) -> None:
    """Let the language model learn, and the visual tower if asked for."""
    backbone = trainable.backbone
    modules = [backbone.text, backbone.lm_head, backbone.final_norm, *([backbone.visual] if visual else [])]
    for module in modules:
        module.requires_grad_(True)
