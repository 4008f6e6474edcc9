"""What a training starts from: a model folder, or a bare Qwen2-VL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videomind.errors import BundleError, InputError
from videomind.lora_switch.bundle import MANIFEST, Manifest, load_bundle
from videomind.lora_switch.identity import base_identity
from videomind.roles.spec import RoleSpec
from videomind.training.config import MethodConfig, TrainConfig
from videomind.training.defaults import changed_spec, default_spec

if TYPE_CHECKING:
    from torch import Tensor

BASE = "base"
"""The role name that stands for the backbone itself."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """What a training starts from.

    Attributes:
        role: what is trained: a role, or `BASE`.
        spec: the role to be; of the answerer where the backbone is trained.
        method: how the backbone is adapted.
        others: the specs of the roles that are carried over.
        folder: the model folder they come from; None = a bare base.
        manifest: of that folder, or one made up for a bare base.
        base: folder of the base model.
        identity: fingerprint of that base.
        processor: folder of its tokenizer.
        decoder: weights of the timestamp decoder to go on from, or None.
    """

    role: str
    spec: RoleSpec
    method: MethodConfig
    others: dict[str, RoleSpec]
    folder: Path | None
    manifest: Manifest
    base: Path
    identity: str
    processor: Path
    decoder: dict[str, Tensor] | None


def find_source(config: TrainConfig, role: str) -> ModelSource:
    """Read and check what the config names; the embedded model where it names nothing.

    Raises:
        BundleError: the folder is no usable model.
        InputError: the role cannot be as asked.
    """
    if config.base is not None:
        return _bare(config, role, config.base)
    bundle = load_bundle(config.model)
    specs = {name: one.spec for name, one in bundle.roles.items()}
    tokens = bundle.manifest.special_tokens
    before = specs.get(_named(role)) or default_spec(_named(role), tokens)
    method = _method(config, role, before)
    decoder = bundle.roles["grounder"].decoder if role == "grounder" and "grounder" in bundle.roles else None
    return ModelSource(
        role=role,
        spec=changed_spec(before, config.role, method.name == "alora", tokens),
        method=method,
        others={} if role == BASE else {name: one for name, one in specs.items() if name != role},
        folder=bundle.folder,
        manifest=bundle.manifest,
        base=bundle.base,
        identity=base_identity(bundle.base),
        processor=bundle.processor,
        decoder=decoder,
    )


def _bare(config: TrainConfig, role: str, base: Path) -> ModelSource:
    if (base / MANIFEST).is_file():
        raise InputError(f"{base} is a model folder with roles: give it as --model")
    if not (base / "config.json").is_file():
        raise BundleError(f"no base model at {base}: give a folder with config.json and .safetensors")
    manifest = Manifest(name=base.resolve().name, base=str(base.resolve()), roles=(_named(role),))
    tokens = manifest.special_tokens
    before = default_spec(_named(role), tokens)
    method = _method(config, role, before)
    return ModelSource(
        role=role,
        spec=changed_spec(before, config.role, method.name == "alora", tokens),
        method=method,
        others={} if _named(role) == "answerer" else {"answerer": default_spec("answerer", tokens)},
        folder=None,
        manifest=manifest,
        base=base,
        identity=base_identity(base),
        processor=base,
        decoder=None,
    )


def _named(role: str) -> str:
    return "answerer" if role == BASE else role


def _method(config: TrainConfig, role: str, before: RoleSpec) -> MethodConfig:
    """The method asked for; where none is named, a role that was activated stays so. The backbone takes no adapter."""
    if role == BASE:
        return MethodConfig()
    if "name" not in config.method.model_fields_set and before.activation == "alora":
        return config.method.model_copy(update={"name": "alora"})
    return config.method
