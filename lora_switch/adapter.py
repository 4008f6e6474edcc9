"""One LoRA adapter on disk (PEFT's format, safetensors only): read, checked, named as the backbone's modules are."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from videomind.errors import AdapterKindError, BundleError
from videomind.lora_switch.files import read_json, read_tensors
from videomind.lora_switch.kinds import kind_name, kind_of, needs_conversion, odd_settings
from videomind.lora_switch.rows import TokenRows

if TYPE_CHECKING:
    from torch import Tensor

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
EMBEDDINGS = ("embed_tokens.weight", "lm_head.weight")
_MODULE = re.compile(
    r"(?:.*\.)?(layers\.\d+\.(?:self_attn|mlp)\.\w+)\.lora_(?:([AB])\.(?:default\.)?weight|(magnitude)_vector(?:\.weight)?)"
)


@dataclass(frozen=True, slots=True)
class LoRAPair:
    """The two factors of one module and their scale: delta = scale · B · A. A is [r, in], B is [out, r].

    With DoRA every row of W + delta is brought to the length in `magnitude` [out]; else it is None.
    """

    a: Tensor
    b: Tensor
    scale: float
    magnitude: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """All factors of a role, by module ("layers.0.self_attn.q_proj"), and the embeddings it owns, if any.

    Attributes:
        pairs: the factors.
        embeddings: whole matrices ("embed_tokens.weight", "lm_head.weight") in place of the base's.
        rows: rows of single tokens in place of the base's.
        invocation: the tokens from which on an aLoRA acts, or None.
    """

    pairs: dict[str, LoRAPair]
    embeddings: dict[str, Tensor]
    rows: TokenRows | None = None
    invocation: tuple[int, ...] | None = None


class _Config(BaseModel):
    """The keys of PEFT's adapter_config.json that decide what the numbers mean."""

    model_config = ConfigDict(extra="ignore")

    r: int
    lora_alpha: float
    use_dora: bool = False
    use_rslora: bool = False
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}
    alora_invocation_tokens: tuple[int, ...] | None = None


def read_adapter(folder: Path) -> Adapter:
    """Read a PEFT LoRA folder, in the key names of transformers 4.45 (`model.layers`) or 5 (`model.language_model`).

    Raises:
        AdapterKindError: the adapter is of a kind that has to be converted first.
        BundleError: a file is missing or malformed.
    """
    config = _read_config(folder / CONFIG_FILE)
    pairs: dict[str, dict[str, Tensor]] = {}
    embeddings: dict[str, Tensor] = {}
    for name, tensor in read_tensors(folder / WEIGHTS_FILE).items():
        if match := _MODULE.fullmatch(name):
            pairs.setdefault(match[1], {})[match[2] or match[3]] = tensor
        elif name.endswith(EMBEDDINGS):
            embeddings[".".join(name.split(".")[-2:])] = tensor
        else:
            raise BundleError(f"{folder / WEIGHTS_FILE}: unknown tensor {name!r}; only LoRA A/B and embeddings load")
    return Adapter(
        {module: _pair(folder, module, factors, config) for module, factors in sorted(pairs.items())},
        embeddings,
        invocation=config.alora_invocation_tokens,
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
        "use_dora": any(pair.magnitude is not None for pair in adapter.pairs.values()),
        "alora_invocation_tokens": adapter.invocation,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n")
    tensors = {}
    for module, pair in adapter.pairs.items():
        prefix = f"base_model.model.model.language_model.{module}"
        tensors[f"{prefix}.lora_A.weight"] = pair.a.contiguous()
        tensors[f"{prefix}.lora_B.weight"] = pair.b.contiguous()
        if pair.magnitude is not None:
            tensors[f"{prefix}.lora_magnitude_vector"] = pair.magnitude.contiguous()
    save_file(tensors, folder / WEIGHTS_FILE)


def _read_config(path: Path) -> _Config:
    data = read_json(path)
    kind_of(data, str(path))
    if needs_conversion(data):
        raise AdapterKindError(f"{path}: a {kind_name(data)} adapter cannot be served as it is")
    if odd := odd_settings(data):
        raise BundleError(f"{path}: cannot serve LoRA with {', '.join(odd)}")
    try:
        return _Config.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _pair(folder: Path, module: str, factors: dict[str, Tensor], config: _Config) -> LoRAPair:
    wanted = {"A", "B", "magnitude"} if config.use_dora else {"A", "B"}
    if set(factors) != wanted:
        raise BundleError(
            f"{folder / WEIGHTS_FILE}: {module} has lora_{', '.join(sorted(factors))}; "
            f"{CONFIG_FILE} says {', '.join(sorted(wanted))}"
        )
    a, b, magnitude = factors["A"], factors["B"], factors.get("magnitude")
    r = int(_by_pattern(config.rank_pattern, module, config.r))
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != r or b.shape[1] != r:
        raise BundleError(
            f"{folder / WEIGHTS_FILE}: {module} has shapes A {list(a.shape)}, B {list(b.shape)}; "
            f"{CONFIG_FILE} says rank {r}"
        )
    if magnitude is not None and magnitude.shape != b.shape[:1]:
        raise BundleError(f"{folder / WEIGHTS_FILE}: {module} has {len(b)} rows, but lengths for {len(magnitude)}")
    alpha = _by_pattern(config.alpha_pattern, module, config.lora_alpha)
    return LoRAPair(a, b, alpha / (math.sqrt(r) if config.use_rslora else r), magnitude)


def _by_pattern(patterns: dict[str, Any], module: str, default: float) -> float:
    """PEFT's rule: a pattern is a regular expression for the end of the module's name, from a dot on."""
    for pattern, value in patterns.items():
        local = pattern[pattern.find("layers.") :] if "layers." in pattern else pattern
        if re.fullmatch(rf"(?:.*\.)?(?:{local})", module):
            return float(value)
    return default
