"""From a trained model to a model folder that `videomind ask` takes as it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from videomind.lora_switch.adapter import CONFIG_FILE, WEIGHTS_FILE
from videomind.lora_switch.bundle import (
    DECODER_FILE,
    EMBEDDINGS_FILE,
    ROLE_FILE,
    Manifest,
    save_manifest,
)
from videomind.lora_switch.convert import PROCESSOR_FILES
from videomind.lora_switch.files import write_json
from videomind.model.qwen2_vl import load_model, stored_dtype
from videomind.roles.spec import ROLES, RoleSpec, spec_to_json
from videomind.training.build import Workbench
from videomind.training.methods import save_adapter
from videomind.training.model_source import BASE, ModelSource
from videomind.training.rows import make_room
from videomind.training.trainable import Trainable

COPY_BYTES = 256 << 20
"""A base up to this size is copied into the folder; a larger one is referred to."""
ROLE_FILES = (ROLE_FILE, CONFIG_FILE, WEIGHTS_FILE, EMBEDDINGS_FILE, DECODER_FILE)
BASE_FOLDER, PROCESSOR_FOLDER = "base", "processor"
CALIBRATED = frozenset({"grounder", "verifier", BASE})
"""A model in which one of these changes has to be calibrated again."""


def write_model(out: Path, source: ModelSource, bench: Workbench) -> None:
    """Write base or reference, processor, roles, and the manifest last.

    Args:
        out: the folder.
        source: what the training started from; its other roles are carried over.
        bench: what was trained.
    """
    out.mkdir(parents=True, exist_ok=True)
    base, identity = _write_base(out, source, bench)
    for name, spec in source.others.items():
        _carry(out / name, source, name, spec)
    _write_role(out / source.spec.name, source, bench.trainable)
    save_manifest(out, _manifest(out, source, base, identity, _write_processor(out, source, bench)))


def _write_base(out: Path, source: ModelSource, bench: Workbench) -> tuple[str, str | None]:
    """The manifest's `base` and `base_identity`."""
    folder = out / BASE_FOLDER
    if source.role == BASE:
        _save_trained_base(folder, source, bench.trainable)
    elif bench.grown_for:
        _save_grown_base(folder, source, bench.grown_for)
    elif _size(source.base) > COPY_BYTES:
        return str(source.base.resolve()), source.identity
    else:
        folder.mkdir(exist_ok=True)
        for path in source.base.glob("*"):
            if path.suffix == ".safetensors" or path.name in ("config.json", "model.safetensors.index.json"):
                shutil.copyfile(path, folder / path.name)
    _copy_processor(source.base, folder)
    return BASE_FOLDER, None


def _save_trained_base(folder: Path, source: ModelSource, trainable: Trainable) -> None:
    """The backbone in transformers' layout and in the number type that it had, its final norm back in place."""
    model, text = trainable.model, trainable.backbone.text
    norm, text.norm = text.norm, trainable.final_norm
    model.to(stored_dtype(source.base)).save_pretrained(folder)
    text.norm = norm


def _save_grown_base(folder: Path, source: ModelSource, ids: list[int]) -> None:
    """The base as it was, with room for the new tokens."""
    model = load_model(source.base, stored_dtype(source.base))
    make_room(model, ids)
    model.save_pretrained(folder)


def _write_processor(out: Path, source: ModelSource, bench: Workbench) -> str | None:
    """The manifest's `processor`: a folder of its own where the base's tokenizer lacks the roles' tokens."""
    if source.processor == source.base and not bench.tokens_added:
        return None
    folder = out / PROCESSOR_FOLDER
    folder.mkdir(exist_ok=True)
    _copy_processor(source.processor, folder)
    if bench.tokens_added:
        for name in ("vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json"):
            (folder / name).unlink(missing_ok=True)
        bench.encoder.tokenizer.save_pretrained(folder)
    return PROCESSOR_FOLDER


def _write_role(folder: Path, source: ModelSource, trainable: Trainable) -> None:
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    for name in ROLE_FILES:
        (folder / name).unlink(missing_ok=True)
    write_json(folder / ROLE_FILE, spec_to_json(source.spec))
    if trainable.adapter is not None:
        save_adapter(trainable.adapter, folder)
    if trainable.rows is not None:
        save_file(trainable.rows.to_rows().tensors(), folder / EMBEDDINGS_FILE)
    if trainable.decoder is not None:
        state = {name: t.detach().cpu().contiguous() for name, t in trainable.decoder.state_dict().items()}
        save_file(state, folder / DECODER_FILE)


def _carry(folder: Path, source: ModelSource, name: str, spec: RoleSpec) -> None:
    """A role as it is in the source; without a source, the base under a role's name."""
    folder.mkdir(exist_ok=True)
    if source.folder is None:
        write_json(folder / ROLE_FILE, spec_to_json(spec))
        return
    for file in ROLE_FILES:
        if (source.folder / name / file).is_file():
            shutil.copyfile(source.folder / name / file, folder / file)


def _manifest(out: Path, source: ModelSource, base: str, identity: str | None, processor: str | None) -> Manifest:
    roles = {*source.others, source.spec.name}
    changes: dict[str, Any] = {
        "name": out.resolve().name,
        "base": base,
        "base_identity": identity,
        "processor": processor,
        "roles": tuple(name for name in ROLES if name in roles),
    }
    if source.role in CALIBRATED:
        changes["calibration"] = None
    return source.manifest.model_copy(update=changes)


def _copy_processor(source: Path, folder: Path) -> None:
    for name in PROCESSOR_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def _size(base: Path) -> int:
    return sum(path.stat().st_size for path in base.glob("*.safetensors"))
