"""Role bundles on a random base: as published (plain LoRA, two roles with own tables), and with activated LoRA."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from benchmarks.gpu import words
from benchmarks.gpu.base import GAIN, Draw, drawer, table, write_base
from benchmarks.gpu.sizes import Size
from videomind.lora_switch.adapter import Adapter, LoRAPair
from videomind.lora_switch.bundle import MANIFEST, Manifest, Role, save_manifest, save_role
from videomind.lora_switch.rows import TokenRows
from videomind.model.decoder import TimestampDecoder
from videomind.roles.spec import RoleSpec

KINDS = ("plain", "alora")
OWNERS = ("grounder", "verifier")
"""Roles with tables of their own in published checkpoints."""
ROLES = ("planner", "grounder", "verifier", "answerer")
LOUD, ANSWER = 30.0, 5.0
"""Embeddings and output rows that make each token of the grounder's draft follow from the one before it."""
SPAN = 6.0
"""Frame pairs from a point of the decoder to either end of its span: crops of such spans fill the verifier's view."""


def write_bundles(folder: Path, size: Size, device: torch.device) -> dict[str, Path]:
    """Write `base` and both bundles on it; what is there already stays. Gives the bundles' folders by kind."""
    bundles = {kind: folder / kind for kind in KINDS}
    if all((bundle / MANIFEST).is_file() for bundle in bundles.values()):
        return bundles
    tokenizer = write_base(folder / "base", size, device)
    for kind, bundle in bundles.items():
        for seed, name in enumerate(ROLES, start=1):
            save_role(bundle / name, _role(name, kind, size, tokenizer, drawer(size, seed, device)))
        save_manifest(bundle, Manifest(name=f"random {size.name} {kind}", base="../base", roles=ROLES))
    return bundles


def _role(name: str, kind: str, size: Size, tokenizer: Tokenizer, draw: Draw) -> Role:
    spec = _spec(name, kind, size)
    if name == "answerer":
        return Role(spec, None, None)
    adapter = Adapter(_pairs(size, draw), {})
    if kind == "plain" and name in OWNERS:
        adapter = replace(adapter, embeddings=_tables(name, size, tokenizer, draw))
    if kind == "alora":
        invoked = tuple(tokenizer.encode(spec.invocation or "", add_special_tokens=False).ids)
        rows = _draft_rows(size, tokenizer, draw) if name == "grounder" else None
        adapter = replace(adapter, invocation=invoked, rows=rows)
    return Role(spec, adapter, _decoder(size) if name == "grounder" else None)


def _spec(name: str, kind: str, size: Size) -> RoleSpec:
    invocation = words.invocation(size.vocabulary, name) if kind == "alora" and name != "answerer" else None
    told = words.sentence(size.vocabulary, size.prompts.get(name, 0), name)
    shares = kind == "alora" and name in ("planner", "grounder")
    return RoleSpec(
        name=name,
        prompt=f"{invocation or ''}{told} {{query}}" if told else "",
        view=size.shared_view if shares else size.views[name],
        reply_prefix=words.draft(size.vocabulary) if name == "grounder" else "",
        activation="alora" if invocation else "lora",
        invocation=invocation,
        max_new_tokens=size.replies,
        min_span={"verifier": 2.0, "answerer": 32.0}.get(name, 0.0),
    )


def _pairs(size: Size, draw: Draw) -> dict[str, LoRAPair]:
    """Random factors on q, k, v, o, strong enough that every role says something of its own."""
    kv = size.kv_heads * size.head
    outputs = {"q_proj": size.hidden, "k_proj": kv, "v_proj": kv, "o_proj": size.hidden}
    return {
        f"layers.{layer}.self_attn.{name}": LoRAPair(
            draw(size.rank, size.hidden, scale=1 / math.sqrt(size.hidden)),
            draw(out, size.rank, scale=0.3 * GAIN / math.sqrt(size.rank)),
            1.0,
        )
        for layer in range(size.layers)
        for name, out in outputs.items()
    }


def _tables(name: str, size: Size, tokenizer: Tokenizer, draw: Draw) -> dict[str, Tensor]:
    embed, head = table(size, draw), table(size, draw)
    if name == "grounder":
        rows = _draft_rows(size, tokenizer, draw)
        embed[rows.ids], head[rows.ids] = rows.embed, rows.head
    return {"embed_tokens.weight": embed, "lm_head.weight": head}


def _draft_rows(size: Size, tokenizer: Tokenizer, draw: Draw) -> TokenRows:
    """Rows by which the grounder says its draft, whatever it sees: every token names its successor."""
    said = tokenizer.encode(f"{words.REPLY}{words.draft(size.vocabulary)}{words.STOP}", add_special_tokens=False).ids
    embed, head = (draw(len(said), size.hidden, scale=GAIN / math.sqrt(size.hidden)) for _ in range(2))
    for place, (token, successor) in enumerate(itertools.pairwise(range(len(said)))):
        embed[token, place], head[successor, place] = LOUD, ANSWER
    return TokenRows(torch.tensor(said), embed, head)


def _decoder(size: Size) -> dict[str, Tensor]:
    torch.manual_seed(0)
    decoder = TimestampDecoder(size.hidden, size.dims)
    torch.nn.init.constant_(decoder.coef.scale, SPAN)
    return decoder.state_dict()
