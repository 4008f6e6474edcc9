"""PEFT adapters of any of our kinds on disk: written as PEFT itself would load them, and read onto a text model."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videomind.errors import BundleError
from videomind.lora_switch.adapter import CONFIG_FILE, WEIGHTS_FILE
from videomind.lora_switch.files import read_json, read_tensors
from videomind.lora_switch.kinds import kind_of, odd_settings

if TYPE_CHECKING:
    from torch import Tensor, nn

ADAPTER = "default"
"""PEFT's name of the one adapter on a model."""
MAX_RANK = 1 << 14
_LAYER = re.compile(
    r"(?:base_model\.model\.)?(?:model\.)?(?:language_model\.)?(layers\.\d+\.(?:self_attn|mlp)\.\w+)\..+"
)
_PREFIX = "base_model.model."
_WHERE = "model.language_model."
"""Where the text model stands in transformers 5's whole model."""


def write_peft(folder: Path, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    """Write an adapter that was trained on the text model alone, under the names of the whole model.

    Args:
        folder: where to; made if needed.
        config: PEFT's settings as JSON would hold them.
        state: its tensors, named as PEFT names them on a text model ("base_model.model.layers.0.…").
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    kind = kind_of(config, str(folder))
    kept = {name: config[name] for name in kind.settings if name in config}
    fixed = {"peft_type": config["peft_type"], "inference_mode": True}
    fixed["target_modules"] = sorted({match[1].rpartition(".")[2] for match in map(_LAYER.fullmatch, state) if match})
    (folder / CONFIG_FILE).write_text(json.dumps(fixed | kept, indent=2) + "\n")
    named = {name.replace(f"{_PREFIX}layers.", f"{_PREFIX}{_WHERE}layers."): t for name, t in state.items()}
    save_file({name: tensor.contiguous() for name, tensor in named.items()}, folder / WEIGHTS_FILE)


def load_peft(text_model: nn.Module, folder: Path) -> Any:
    """Put the adapter of a folder on a text model, in place.

    Nothing of the file decides what is imported or called: its settings are read by name, one by one.

    Returns:
        PEFT's model. Adapters of kinds that begin by changing the base have changed it here too.

    Raises:
        BundleError: the adapter is damaged, of an unknown kind, or for another base.
    """
    import peft

    path = folder / CONFIG_FILE
    data = read_json(path)
    kind = kind_of(data, str(path))
    if odd := odd_settings(data):
        raise BundleError(f"{path}: {kind.name} with {', '.join(odd)} is not known here")
    ranks = [data.get("r", 0), data.get("hybrid_r", 0), *(data.get("rank_pattern") or {}).values()]
    if wrong := [rank for rank in ranks if not (isinstance(rank, int) and 0 <= rank <= MAX_RANK)]:
        raise BundleError(f"{path}: a rank of {wrong[0]!r} is out of range: at most {MAX_RANK}")
    state = {_local(name): tensor for name, tensor in read_tensors(folder / WEIGHTS_FILE).items()}
    layers = sorted({match[1] for match in map(_LAYER.fullmatch, state) if match})
    settings = {name: _local_patterns(data[name]) for name in kind.settings if data.get(name) is not None}
    try:
        config = getattr(peft, kind.config)(target_modules=layers, **settings)
        model = put_on(text_model, config)
        result = peft.set_peft_model_state_dict(model, state, adapter_name=ADAPTER)
    except (TypeError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        raise BundleError(
            f"{folder}: this {kind.name} adapter does not load: {' '.join(str(error).split())[:300]}"
        ) from error
    unknown, missing = sorted(result.unexpected_keys), sorted(peft_state(model).keys() - state.keys())
    if unknown or missing:
        which = f"unknown tensor {unknown[0]!r}" if unknown else f"missing tensor {missing[0]!r}"
        raise BundleError(f"{folder / WEIGHTS_FILE}: {which} for a {kind.name} adapter")
    return model.eval()


def put_on(text_model: nn.Module, config: Any) -> Any:
    """PEFT's model around a text model whose layers now have an adapter of these settings."""
    import peft

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated")
        return peft.PeftModel(text_model, config, ADAPTER)


def adapted_layers(model: Any) -> Iterator[tuple[str, Any]]:
    """PEFT's adapted layers of a text model, with their names in it ("layers.0.self_attn.q_proj")."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, layer in model.get_base_model().named_modules():
        if isinstance(layer, BaseTunerLayer):
            yield name, layer


def peft_state(model: Any) -> dict[str, Tensor]:
    """PEFT's tensors of the adapter, by PEFT's names, each once (RandLoRA's projections are one for all layers)."""
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, adapter_name=ADAPTER)
    shared = tuple(name.removeprefix("base_model") for name in state if ".layers." not in name)
    once = {name: t for name, t in state.items() if ".layers." not in name or not (shared and name.endswith(shared))}
    return {name: tensor.detach().clone().contiguous() for name, tensor in once.items()}


def _local(name: str) -> str:
    """The tensor's name on the text model alone, whatever model the adapter was trained on."""
    match = _LAYER.fullmatch(name)
    return f"{_PREFIX}{name[match.start(1) :]}" if match else name


def _local_patterns(value: Any) -> Any:
    """Per-layer settings ("rank_pattern" and its like) by the layers' names on the text model alone."""
    if not isinstance(value, dict):
        return value
    return {pattern[max(pattern.find("layers."), 0) :]: number for pattern, number in value.items()}
