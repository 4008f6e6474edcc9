"""From a published VideoMind checkpoint to a role bundle (DESIGN sec. 4)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videomind.errors import BundleError, InputError
from videomind.lora_switch.adapter import CONFIG_FILE, Adapter, read_adapter
from videomind.lora_switch.bundle import Manifest, Role, SpecialTokens, save_manifest, save_role
from videomind.lora_switch.files import read_json, read_tensors
from videomind.lora_switch.identity import base_identity, tensor_shapes
from videomind.roles.spec import PUBLISHED_VIEWS, ROLES, RoleSpec

if TYPE_CHECKING:
    from torch import Tensor

GROUNDER_REPLY = "The relevant moment happens in {reg}."
MIN_SPANS = {"verifier": 2.0, "answerer": 32.0}
DECODER_FILE = "pytorch_model.safetensors"
PROCESSOR_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "chat_template.json",
    "chat_template.jinja",
    "preprocessor_config.json",
    "generation_config.json",
)


def convert(official: Path, out: Path, prompts: Mapping[str, str], base: Path | None = None) -> Path:
    """Write the bundle of a published checkpoint.

    Args:
        official: folder with `config.json`, `pytorch_model.safetensors` and a PEFT folder per role.
        out: where the bundle goes; must not exist yet, or be an empty folder.
        prompts: role name → prompt template with `{query}`, from `prompts.read_prompts`.
        base: folder of the base model; by default the checkpoint's own `base_model_path`.

    Returns:
        `out`.

    Raises:
        BundleError: the checkpoint or the base is incomplete, or they do not fit each other.
        InputError: `out` is in use.
    """
    config = read_json(official / "config.json")
    base = _base(official, config, base)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty; give a new folder")
    names = [name for name in ROLES if (official / name / CONFIG_FILE).is_file()]
    if "grounder" not in names:
        raise BundleError(f"{official} holds no grounder/{CONFIG_FILE}; it is no published VideoMind checkpoint")
    tokens = _special_tokens(official, config)
    adapters = {name: read_adapter(official / name) for name in names}
    shapes = tensor_shapes(base)
    for name, adapter in adapters.items():
        _check_fit(name, adapter, shapes, base)

    building = out.with_name(out.name + ".partial")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for name in dict.fromkeys([*names, "answerer"]):
        decoder = _decoder(official / DECODER_FILE) if name == "grounder" else None
        role = Role(_spec(name, prompts, tokens), adapters.get(name), decoder)
        save_role(building / name, role)
    (building / "processor").mkdir()
    for file in PROCESSOR_FILES:
        if (official / file).is_file():
            shutil.copyfile(official / file, building / "processor" / file)
    manifest = Manifest(
        name=official.resolve().name,
        base=str(base.resolve()),
        base_identity=base_identity(base),
        processor="processor",
        roles=tuple(dict.fromkeys([*names, "answerer"])),
        special_tokens=tokens,
    )
    save_manifest(building, manifest)
    if out.exists():
        out.rmdir()
    return building.rename(out)


def _base(official: Path, config: dict[str, Any], given: Path | None) -> Path:
    if given is not None:
        places = [given]
    else:
        named = Path(str(config.get("base_model_path", "")))
        places = [official / named, official.parent / named, Path.cwd() / named]
    for place in places:
        if (place / "config.json").is_file() and any(place.glob("*.safetensors")):
            return place
    raise BundleError(f"no base model (config.json and .safetensors) at {places[0]}; give it with --base DIR")


def _special_tokens(official: Path, config: dict[str, Any]) -> SpecialTokens:
    """Texts of the checkpoint's three own tokens, looked up by their ids."""
    added = {token["id"]: token["content"] for token in read_json(official / "tokenizer.json")["added_tokens"]}
    keys = {"reg": "reg_token_id", "seg_start": "seg_s_token_id", "seg_end": "seg_e_token_id"}
    missing = [key for key in keys.values() if config.get(key) not in added]
    if missing:
        raise BundleError(f"{official}: {', '.join(missing)} of config.json is no added token of tokenizer.json")
    return SpecialTokens(**{name: added[config[key]] for name, key in keys.items()})


def _spec(name: str, prompts: Mapping[str, str], tokens: SpecialTokens) -> RoleSpec:
    if name != "answerer" and name not in prompts:
        raise BundleError(f"no prompt for the {name}; the prompts file needs {name.upper()}_PROMPT")
    return RoleSpec(
        name=name,
        prompt=prompts.get(name, ""),
        view=PUBLISHED_VIEWS[name],
        reply_prefix=GROUNDER_REPLY.format(reg=tokens.reg) if name == "grounder" else "",
        min_span=MIN_SPANS.get(name, 0.0),
    )


def _decoder(path: Path) -> dict[str, Tensor]:
    """The timestamp decoder's weights under their own names; the training loss keeps a constant there too."""
    named = {key.removeprefix("base_model.model."): tensor for key, tensor in read_tensors(path).items()}
    return {key: tensor for key, tensor in named.items() if not key.startswith("bundle_loss.")}


def _check_fit(role: str, adapter: Adapter, shapes: Mapping[str, tuple[int, ...]], base: Path) -> None:
    local = {name[name.find("layers.") :]: shape for name, shape in shapes.items() if "visual" not in name}
    for module, pair in adapter.pairs.items():
        there = local.get(f"{module}.weight")
        if there != (pair.b.shape[0], pair.a.shape[1]):
            have = "no such layer" if there is None else f"a layer of {there[1]} to {there[0]}"
            raise BundleError(
                f"adapter of {role} is for another base: {module} maps {pair.a.shape[1]} to {pair.b.shape[0]}, "
                f"{base} has {have}"
            )
