"""From what a user asked for to PEFT's settings, every name and value checked."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import peft
from torch import nn

from videomind.errors import InputError
from videomind.training.config import MethodConfig
from videomind.training.methods.table import METHODS, Method


def method_of(config: MethodConfig) -> Method:
    """The method of this name.

    Raises:
        InputError: there is none.
    """
    if config.name not in METHODS:
        raise InputError(f"no method {config.name!r}: choose from {', '.join(METHODS)}")
    return METHODS[config.name]


def options_of(config: MethodConfig) -> dict[str, Any]:
    """The options of a method, given ones over defaults.

    Raises:
        InputError: an option is unknown here or has a value of another type; the text lists what exists.
    """
    defaults = method_of(config).options
    for name, value in config.options.items():
        if name not in defaults:
            known = ", ".join(f"{key} ({default})" for key, default in defaults.items())
            raise InputError(f"{config.name} has no option {name!r}: it has {known or 'none'}")
        if not _fits(name, value, defaults[name]):
            raise InputError(f"{config.name}: option {name} cannot be {value!r}; by default it is {defaults[name]!r}")
    return {**defaults, **config.options}


def peft_config(config: MethodConfig, model: nn.Module, invocation_ids: Sequence[int] | None = None) -> Any:
    """PEFT's settings for this method on this model.

    Args:
        config: the method.
        model: the text model to adapt, for settings that must suit its widths.
        invocation_ids: the invocation's tokens, for aLoRA alone.

    Raises:
        InputError: what was asked for does not exist or cannot be combined; the text says what can.
    """
    method = method_of(config)
    options = options_of(config)
    options.pop("lr_ratio", None)
    settings: dict[str, Any] = {**method.fixed, **_sizes(config, method), **_nested(config.name, options)}
    layers = target_layers(model, config)
    if config.name == "c3a" and settings["block_size"] is None:
        settings["block_size"] = math.gcd(*(size for layer in layers for size in layer.weight.shape))
    if config.name == "alora":
        if not invocation_ids:
            raise InputError(
                'alora needs an invocation: set activation "alora" and the invocation\'s text for the role'
            )
        settings["alora_invocation_tokens"] = list(invocation_ids)
    elif invocation_ids:
        raise InputError(f"{config.name} acts on every token; a role with an invocation is trained with method alora")
    _check_rank(config.name, settings.get("r", 0), layers)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="aLoRA is currently only supported for CAUSAL_LM")
        try:
            return getattr(peft, method.config)(target_modules=list(config.target_modules), **settings)
        except (TypeError, ValueError) as error:
            raise InputError(f"{config.name}: {error}") from error


def target_layers(model: nn.Module, config: MethodConfig) -> list[nn.Linear]:
    """The linear layers to be adapted.

    Raises:
        InputError: a target is no part of the model's language model.
    """
    named = [(name.rpartition(".")[2], layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    found = {leaf for leaf, _ in named}
    if missing := [target for target in config.target_modules if target not in found]:
        raise InputError(f"target_modules: no linear layer {missing[0]!r} here: choose from {', '.join(sorted(found))}")
    return [layer for leaf, layer in named if leaf in config.target_modules]


def _sizes(config: MethodConfig, method: Method) -> dict[str, Any]:
    """Rank, alpha and dropout under PEFT's names."""
    for what, name, given in (
        ("rank", method.rank, config.rank is not None),
        ("alpha", method.alpha, config.alpha is not None),
        ("dropout", method.dropout, config.dropout > 0),
    ):
        if given and name is None:
            raise InputError(f"{config.name} has no {what}: it has {', '.join(method.options)}")
    rank = method.default_rank if config.rank is None else config.rank
    sizes: dict[str, Any] = {} if method.rank is None else {method.rank: rank}
    if method.alpha is not None:
        alpha = method.alpha_per_rank * rank if config.alpha is None else config.alpha
        sizes[method.alpha] = int(alpha) if float(alpha).is_integer() else alpha
    if method.dropout is not None:
        sizes[method.dropout] = config.dropout
    return sizes


def _nested(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Options that PEFT keeps in a class of their own."""
    if name == "eva":
        own = {key: options.pop(key) for key in ("rho", "tau", "whiten")}
        return {**options, "eva_config": peft.EvaConfig(**own)}
    if name == "lora-ga":
        own = {key: options.pop(key) for key in ("direction", "scale", "stable_gamma")}
        return {**options, "lora_ga_config": peft.LoraGAConfig(**own)}
    return options


def _check_rank(name: str, rank: int, layers: list[nn.Linear]) -> None:
    """Methods that begin at singular vectors cannot ask for more of them than there are."""
    share = {"eva": 1, "olora": 1, "pissa": 1, "lora-ga": 2}.get(name)
    if share is None:
        return
    most = min(min(layer.weight.shape) for layer in layers) // share
    if rank > most:
        raise InputError(f"{name}: rank {rank} is more than these layers have: at most {most}")


def _fits(name: str, value: Any, default: Any) -> bool:
    if isinstance(value, bool) or name == "init_weights":  # PEFT names some beginnings, and True is its usual one
        return isinstance(default, bool) and isinstance(value, bool | str)
    if default is None or isinstance(default, int):
        return isinstance(value, int) and not isinstance(default, bool)
    return isinstance(value, int | float if isinstance(default, float) else type(default))
