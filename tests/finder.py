"""A tiny model whose grounder localises something (it means nothing), and calibrations set by hand."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from tests import tiny
from videomind.lora_switch.adapter import Adapter
from videomind.lora_switch.bundle import Role, load_bundle, load_role, save_manifest, save_role
from videomind.lora_switch.files import read_tensors
from videomind.roles.calibration import Calibration, Rule, Rules
from videomind.roles.calibration_file import CalibrationFile

LOUD = 100.0
"""Embeddings this large drown everything else: the token alone decides what comes after it."""


def write_finder(folder: Path) -> Path:
    """The tiny bundle with a grounder that says `<|reg|>`, whatever it is asked."""
    tiny.write_bundle(folder)
    role = load_role(folder / "grounder")
    assert role.adapter is not None
    tokenizer = Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))
    newline, reg, stop = (tokenizer.token_to_id(token) for token in ("Ċ", "<|reg|>", "<|im_end|>"))
    torch.manual_seed(0)
    embed, head = torch.randn(2, tokenizer.get_vocab_size(), tiny.HIDDEN) * 0.1
    norm = read_tensors(folder / "base" / "model.safetensors")["model.norm.weight"]
    for place, token, successor in zip(norm.topk(2).indices, (newline, reg), (reg, stop), strict=True):
        embed[token, place] = head[successor, place] = LOUD
    adapter = Adapter(role.adapter.pairs, {"embed_tokens.weight": embed, "lm_head.weight": head})
    save_role(folder / "grounder", Role(replace(role.spec, reply_prefix="<|reg|>"), adapter, role.decoder))
    return folder


def calibration(presence: float, moment: float = 0.5, nms_iou: float = 0.3) -> Calibration:
    """A presence of this probability whatever is found, needed 0.5; moments are as probable as the verifier says."""
    by_score = Rules(Rule(logit(presence), 0.0, 0.0, 0.5), Rule(0.0, 0.0, 1.0, moment))
    by_confidence = Rules(Rule(logit(presence), 0.0, 0.0, 0.5), Rule(0.0, 1.0, 0.0, moment))
    return Calibration(by_confidence, by_score, nms_iou, "numbers set by hand", 1)


def calibrated(model: Path, out: Path, rules: Calibration) -> Path:
    """A copy of a model with these rules."""
    shutil.copytree(model, out)
    manifest = load_bundle(out).manifest
    save_manifest(out, manifest.model_copy(update={"calibration": CalibrationFile.of(rules)}))
    return out


def logit(probability: float) -> float:
    return float(torch.logit(torch.tensor(probability, dtype=torch.float64)))
