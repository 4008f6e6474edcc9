"""One LoRA adapter on disk (PEFT's format, safetensors only): read, checked, named as the backbone's modules are."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from videomind.errors import BundleError
from videomind.lora_switch.files import read_json, read_tensors

if TYPE_CHECKING:
    from torch import Tensor

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
EMBEDDINGS = ("embed_tokens.weight", "lm_head.weight")
_MODULE = re.compile(r"(?:.*\.)?(layers\.\d+\.(?:self_attn|mlp)\.\w+)\.lora_([AB])\.(?:default\.)?weight")


@dataclass(frozen=True, slots=True)
class LoRAPair:
    """The two factors of one module and their scale: delta = scale · B · A. A is [r, in], B is [out, r]."""

    a: Tensor
    b: Tensor
    scale: float


@dataclass(frozen=True, slots=True)
class Adapter:
    """All factors of a role, by module ("layers.0.self_attn.q_proj"), and the embeddings it owns, if any."""

    pairs: dict[str, LoRAPair]
    embeddings: dict[str, Tensor]


class _Config(BaseModel):
    """The keys of PEFT's adapter_config.json that decide what the numbers mean."""

    model_config = ConfigDict(extra="ignore")

    peft_type: str
    r: int
    lora_alpha: float
    bias: str = "none"
    use_dora: bool = False
    use_rslora: bool = False
    fan_in_fan_out: bool = False
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}


def read_adapter(folder: Path) -> Adapter:
    """Read a PEFT LoRA folder, in the key names of transformers 4.45 (`model.layers`) or 5 (`model.language_model`).

    Raises:
        BundleError: a file is missing or malformed, or the adapter is not plain LoRA.
    """
    config = _read_config(folder / CONFIG_FILE)
    pairs: dict[str, dict[str, Tensor]] = {}
    embeddings: dict[str, Tensor] = {}
    for name, tensor in read_tensors(folder / WEIGHTS_FILE).items():
        if match := _MODULE.fullmatch(name):
            pairs.setdefault(match[1], {})[match[2]] = tensor
        elif name.endswith(EMBEDDINGS):
            embeddings[".".join(name.split(".")[-2:])] = tensor
        else:
            raise BundleError(f"{folder / WEIGHTS_FILE}: unknown tensor {name!r}; only LoRA A/B and embeddings load")
    return Adapter(
        {module: _pair(folder, module, factors, config) for module, factors in sorted(pairs.items())},
        embeddings,
    )


def write_adapter(folder: Path, adapter: Adapter) -> None:
    """Write the LoRA part as a PEFT folder with transformers 5 names (embeddings are stored apart, see bundle)."""
    from safetensors.torch import save_file

    ranks = {module: pair.a.shape[0] for module, pair in adapter.pairs.items()}
    alphas = {module: pair.scale * ranks[module] for module, pair in adapter.pairs.items()}
    r, alpha = max(ranks.values()), max(alphas.values())
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": r,
        "lora_alpha": alpha,
        "bias": "none",
        "target_modules": sorted({module.rsplit(".", 1)[1] for module in ranks}),
        "rank_pattern": {m: n for m, n in ranks.items() if n != r},
        "alpha_pattern": {m: x for m, x in alphas.items() if x != alpha},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n")
    tensors = {}
    for module, pair in adapter.pairs.items():
        prefix = f"base_model.model.model.language_model.{module}"
        tensors[f"{prefix}.lora_A.weight"] = pair.a.contiguous()
        tensors[f"{prefix}.lora_B.weight"] = pair.b.contiguous()
    save_file(tensors, folder / WEIGHTS_FILE)


def _read_config(path: Path) -> _Config:
    try:
        config = _Config.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    odd = [name for name in ("use_dora", "fan_in_fan_out") if getattr(config, name)]
    if config.peft_type.upper() != "LORA" or config.bias != "none" or odd:
        kind = ", ".join([config.peft_type, f"bias={config.bias}", *odd])
        raise BundleError(f"{path}: cannot serve this kind of adapter ({kind}); plain LoRA without bias is needed")
    return config


def _pair(folder: Path, module: str, factors: dict[str, Tensor], config: _Config) -> LoRAPair:
    if set(factors) != {"A", "B"}:
        raise BundleError(f"{folder / WEIGHTS_FILE}: {module} has only lora_{next(iter(factors))}")
    a, b = factors["A"], factors["B"]
    r = int(_by_pattern(config.rank_pattern, module, config.r))
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != r or b.shape[1] != r:
        raise BundleError(
            f"{folder / WEIGHTS_FILE}: {module} has shapes A {list(a.shape)}, B {list(b.shape)}; "
            f"{CONFIG_FILE} says rank {r}"
        )
    alpha = _by_pattern(config.alpha_pattern, module, config.lora_alpha)
    return LoRAPair(a, b, alpha / (math.sqrt(r) if config.use_rslora else r))


def _by_pattern(patterns: dict[str, Any], module: str, default: float) -> float:
    """PEFT's rule: a pattern is a regular expression for the end of the module's name, from a dot on."""
    for pattern, value in patterns.items():
        local = pattern[pattern.find("layers.") :] if "layers." in pattern else pattern
        if re.fullmatch(rf"(?:.*\.)?(?:{local})", module):
            return float(value)
    return default
