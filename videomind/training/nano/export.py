"""Writing a trained model as a role bundle, with the record of its training."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from videomind.lora_switch.adapter import Adapter
from videomind.lora_switch.bundle import Manifest, Role, save_manifest, save_role
from videomind.roles.spec import RoleSpec
from videomind.training.nano.specs import ROLE_SPECS, WATCH
from videomind.training.nano.views import MEAN, STD

RECORD = "training.json"
NOTICE = (
    "This small model only knows a synthetic world of coloured shapes. On other videos it runs, but what it says "
    "means nothing."
)


def write_bundle(
    folder: Path,
    model: Any,
    tokenizer: Any,
    adapters: Mapping[str, Adapter],
    decoder: Mapping[str, torch.Tensor],
    record: Mapping[str, Any],
    specs: Mapping[str, RoleSpec] = ROLE_SPECS,
) -> None:
    """Write base, roles and record; the manifest last. Weights are kept in float16.

    Args:
        folder: where to; files of the same names are replaced.
        model: a Qwen2-VL for conditional generation without adapters.
        tokenizer: its tokenizer.
        adapters: per role; a role without one is the base itself.
        decoder: the grounder's timestamp decoder.
        record: what is known about the training; versions and weight hashes are added.
        specs: the roles.
    """
    base = folder / "base"
    model.half().save_pretrained(base)
    tokenizer.save_pretrained(base)
    processor = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "image_mean": MEAN,
        "image_std": STD,
        "patch_size": 14,
        "merge_size": 2,
        "temporal_patch_size": 2,
        "min_pixels": WATCH.min_pixels,
        "max_pixels": WATCH.max_pixels,
    }
    _write_json(base / "preprocessor_config.json", processor)
    halves = {name: tensor.detach().half() for name, tensor in decoder.items()}
    for name, spec in specs.items():
        adapter = adapters.get(name)
        if adapter is not None and spec.invocation is not None:
            adapter = replace(adapter, invocation=tuple(tokenizer(spec.invocation, add_special_tokens=False).input_ids))
        save_role(folder / name, Role(spec, adapter, halves if name == "grounder" else None))
    _write_json(folder / RECORD, {**record, "versions": _versions(), "sha256": weight_hashes(folder)})
    save_manifest(folder, Manifest(name="nano", base="base", roles=tuple(specs), notice=NOTICE))


def weight_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every weight file below `folder`, by relative path."""
    files = sorted(folder.rglob("*.safetensors"))
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in ("torch", "transformers", "numpy")}


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2) + "\n")
