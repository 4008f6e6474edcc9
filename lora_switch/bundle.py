"""A model folder: one base, a manifest, and a folder per role (DESIGN sec. 4).

model/videomind.json                    manifest: base, roles, special tokens, format version, calibration
model/<role>/role.json                  prompt, view, reply prefix, activation
model/<role>/adapter_config.json, adapter_model.safetensors
model/<role>/embeddings.safetensors     where a role has its own embed_tokens or lm_head, or rows of single tokens
model/grounder/timestamp_decoder.safetensors
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videomind import assets
from videomind.errors import AdapterKindError, BundleError
from videomind.lora_switch.adapter import (
    CONFIG_FILE,
    EMBEDDINGS,
    WEIGHTS_FILE,
    Adapter,
    read_adapter,
    write_adapter,
)
from videomind.lora_switch.files import read_json, read_tensors, write_json
from videomind.lora_switch.identity import base_identity
from videomind.lora_switch.rows import IDS, rows_from_tensors
from videomind.roles.calibration import Calibration
from videomind.roles.calibration_file import CalibrationFile
from videomind.roles.spec import ROLES, RoleSpec, spec_from_json, spec_to_json

if TYPE_CHECKING:
    from torch import Tensor

MANIFEST, ROLE_FILE = "videomind.json", "role.json"
EMBEDDINGS_FILE, DECODER_FILE = "embeddings.safetensors", "timestamp_decoder.safetensors"
FORMAT = 1
NANO = Path(assets.__file__).parent / "nano"
"""The embedded model."""


class SpecialTokens(BaseModel):
    """Texts of the tokens that the roles add to the base's vocabulary."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reg: str = "<|reg|>"
    seg_start: str = "<|seg_start|>"
    seg_end: str = "<|seg_end|>"


class Manifest(BaseModel):
    """`videomind.json`.

    Attributes:
        format: version of this layout.
        name: what the model is called in results.
        base: folder of the base model; a relative path starts at the bundle.
        base_identity: fingerprint of that base (see `identity`), or None when the base is part of the bundle.
        processor: folder of tokenizer, chat template and pixel statistics; None = the base's.
        roles: the roles of this bundle.
        notice: what a user should know about this model's limits, or None.
        calibration: the rules that say "not in this video" and find several moments, or None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    name: str = Field(min_length=1, max_length=200)
    base: str
    base_identity: str | None = None
    processor: str | None = None
    roles: tuple[str, ...]
    special_tokens: SpecialTokens = SpecialTokens()
    notice: str | None = None
    calibration: CalibrationFile | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A role ready to be loaded into an engine. Without adapter it is the base model itself."""

    spec: RoleSpec
    adapter: Adapter | None
    decoder: dict[str, Tensor] | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked model folder, its adapters in memory."""

    folder: Path
    manifest: Manifest
    base: Path
    processor: Path
    roles: dict[str, Role]

    @property
    def calibration(self) -> Calibration | None:
        """The manifest's, or None: then the best candidate is always taken for the moment."""
        return self.manifest.calibration.to_calibration() if self.manifest.calibration else None


def load_bundle(folder: Path | None = None, base: Path | None = None) -> Bundle:
    """Read and check a model folder.

    Args:
        folder: the bundle; None is the embedded model.
        base: use the base model at this place instead of the manifest's.

    Raises:
        BundleError: something is missing, malformed, or made for another base; the text says what to do.
    """
    folder = NANO if folder is None else folder
    manifest, base = open_bundle(folder, base)
    try:
        roles = {name: load_role(folder / name) for name in manifest.roles}
    except AdapterKindError as error:
        raise AdapterKindError(f"{error}; make it plain LoRA: videomind convert {folder} OUT --to lora") from None
    if "grounder" in roles and roles["grounder"].decoder is None:
        raise BundleError(f"missing weights: {folder / 'grounder' / DECODER_FILE}")
    processor = base if manifest.processor is None else (folder / manifest.processor).resolve()
    return Bundle(folder, manifest, base, processor, roles)


def open_bundle(folder: Path, base: Path | None = None) -> tuple[Manifest, Path]:
    """The manifest of a model folder and the place of its base, before any role is read.

    Raises:
        BundleError: as `load_bundle`.
    """
    if not folder.is_dir():
        raise BundleError(f"no model folder at {folder}")
    if not (folder / MANIFEST).is_file():
        raise BundleError(_no_manifest(folder))
    manifest = _manifest(folder / MANIFEST)
    base = (folder / manifest.base).resolve() if base is None else base
    if not (base / "config.json").is_file():
        raise BundleError(f"base model of {folder} not found at {base}; convert again with --base DIR")
    if manifest.base_identity is not None and base_identity(base) != manifest.base_identity:
        raise BundleError(f"the adapters in {folder} were made for another base model than the one at {base}")
    return manifest, base


def load_role(folder: Path) -> Role:
    """Read one role's folder.

    Raises:
        BundleError: as `load_bundle`.
    """
    path = folder / ROLE_FILE
    spec = spec_from_json(read_json(path), str(path))
    if spec.name != folder.name:
        raise BundleError(f"{path}: name is {spec.name!r}, but its folder is {folder.name!r}")
    adapter = read_adapter(folder) if (folder / WEIGHTS_FILE).exists() else None
    if adapter and adapter.invocation and spec.activation != "alora":
        raise BundleError(f'{path}: its adapter is an aLoRA: set activation to "alora", with the invocation\'s text')
    if adapter and (folder / EMBEDDINGS_FILE).exists():
        adapter = _with_embeddings(adapter, folder / EMBEDDINGS_FILE)
    decoder = read_tensors(folder / DECODER_FILE) if (folder / DECODER_FILE).exists() else None
    return Role(spec, adapter, decoder)


def save_role(folder: Path, role: Role) -> None:
    """Write one role's folder."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / ROLE_FILE, spec_to_json(role.spec))
    if role.adapter:
        write_adapter(folder, role.adapter)
        owned = {k: v.contiguous() for k, v in role.adapter.embeddings.items()}
        if role.adapter.rows:
            owned |= role.adapter.rows.tensors()
        if owned:
            save_file(owned, folder / EMBEDDINGS_FILE)
    if role.decoder:
        save_file({k: v.contiguous() for k, v in role.decoder.items()}, folder / DECODER_FILE)


def save_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `videomind.json`: do it last, so that a half-written folder is no bundle."""
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))


def _with_embeddings(adapter: Adapter, path: Path) -> Adapter:
    tensors = read_tensors(path)
    if IDS in tensors:
        return replace(adapter, embeddings={}, rows=rows_from_tensors(tensors, str(path)))
    if unknown := sorted(set(tensors) - set(EMBEDDINGS)):
        raise BundleError(f"{path}: unknown tensor {unknown[0]!r}; it holds {', '.join(EMBEDDINGS)}, or rows of tokens")
    return replace(adapter, embeddings=tensors)


def _manifest(path: Path) -> Manifest:
    data = read_json(path)
    if data.get("format") != FORMAT:
        raise BundleError(f"{path}: format {data.get('format')!r} is not known here; this version reads {FORMAT}")
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    unknown = sorted(set(manifest.roles) - set(ROLES))
    if unknown or not manifest.roles:
        raise BundleError(f"{path}: roles must be some of {', '.join(ROLES)}; got {list(manifest.roles)}")
    return manifest


def _no_manifest(folder: Path) -> str:
    if any((folder / role / CONFIG_FILE).is_file() for role in ROLES):
        return (
            f"{folder} is not a role bundle ({MANIFEST} is missing); if it is a published checkpoint, convert it: "
            f"videomind convert {folder} OUT --prompts FILE --base DIR"
        )
    return f"{folder} is not a model folder: {MANIFEST} is missing"
