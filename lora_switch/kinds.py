"""The kinds of PEFT adapters, told from their `adapter_config.json`, and what each needs before it can be served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from videomind.errors import BundleError

VLLM_MAX_RANK = 512
"""The largest rank that vLLM's `max_lora_rank` can be set to."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of PEFT's types of adapters.

    Attributes:
        name: as people write it.
        config: PEFT's class of settings.
        settings: what of them is read from a file; the rest is training's affair or must keep its neutral value.
    """

    name: str
    config: str
    settings: tuple[str, ...]


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "LORA": Kind(
            "LoRA",
            "LoraConfig",
            ("r", "lora_alpha", "use_rslora", "use_dora", "init_lora_weights", "rank_pattern", "alpha_pattern"),
        ),
        "VERA": Kind("VeRA", "VeraConfig", ("r", "projection_prng_key", "save_projection", "d_initial")),
        "RANDLORA": Kind(
            "RandLoRA",
            "RandLoraConfig",
            ("r", "randlora_alpha", "projection_prng_key", "save_projection", "sparse", "very_sparse"),
        ),
        "FOURIERFT": Kind(
            "FourierFT", "FourierFTConfig", ("n_frequency", "n_frequency_pattern", "scaling", "random_loc_seed")
        ),
        "C3A": Kind("C3A", "C3AConfig", ("block_size", "block_size_pattern")),
        "GRALORA": Kind("GraLoRA", "GraloraConfig", ("r", "hybrid_r", "alpha", "gralora_k")),
        "SHIRA": Kind("SHiRA", "ShiraConfig", ("r", "random_seed")),
        "MISS": Kind("MiSS", "MissConfig", ("r", "init_weights", "mini_r")),
    }
)
"""By PEFT's `peft_type`."""

_TAKEN_OUT = {"pissa": "PiSSA", "olora": "OLoRA"}
_UNSTORED = ("lora_ga", "corda", "loftq")
_ODD = (
    "fan_in_fan_out",
    "lora_bias",
    "use_qalora",
    "use_bdlora",
    "layer_replication",
    "target_parameters",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
)


def kind_of(config: Mapping[str, Any], where: str) -> Kind:
    """The kind that an `adapter_config.json` names.

    Raises:
        BundleError: it is none of `KINDS`.
    """
    name = str(config.get("peft_type", "")).upper()
    if name not in KINDS:
        known = ", ".join(kind.name for kind in KINDS.values())
        raise BundleError(f"{where}: peft_type {name!r} is not known here: {known} are")
    return KINDS[name]


def odd_settings(config: Mapping[str, Any]) -> list[str]:
    """Settings that change what an adapter's numbers mean in ways that nothing here knows."""
    odd = [name for name in _ODD if config.get(name)]
    if config.get("bias", "none") != "none":
        odd.append(f"bias={config['bias']}")
    if (beginning := str(config.get("init_lora_weights", ""))).startswith(_UNSTORED):
        odd.append(f"init_lora_weights={beginning} (save it with PEFT's path_initial_model_for_weight_conversion)")
    return odd


def kind_name(config: Mapping[str, Any]) -> str:
    """What people call an adapter of one of `KINDS`: "LoRA", "DoRA", "PiSSA", "VeRA", …"""
    name = KINDS[config["peft_type"].upper()].name
    if name != "LoRA":
        return name
    beginning = str(config.get("init_lora_weights", ""))
    begun = [name for start, name in _TAKEN_OUT.items() if beginning.startswith(start)]
    return begun[0] if begun else "DoRA" if config.get("use_dora") else "LoRA"


def needs_conversion(config: Mapping[str, Any]) -> bool:
    """Whether the torch engine cannot serve an adapter of one of `KINDS` as it is.

    It serves LoRA in its plain form (rsLoRA, aLoRA, ranks that differ between layers) and DoRA. A PiSSA or OLoRA as
    PEFT saves it by default is for the residual that its beginning left of the base.
    """
    return kind_name(config) not in ("LoRA", "DoRA")


def is_plain(config: Mapping[str, Any]) -> bool:
    """Whether this is LoRA and no more: W + scale · B · A, on every token or from an invocation on."""
    return kind_name(config) == "LoRA"


def vllm_serves(config: Mapping[str, Any]) -> bool:
    """Whether the vLLM engine serves this adapter: plain LoRA or aLoRA, of a rank that vLLM takes."""
    ranks = config.get("rank_pattern") or {}
    return is_plain(config) and not odd_settings(config) and max([config.get("r", 0), *ranks.values()]) <= VLLM_MAX_RANK
