"""The PEFT methods that a role can be trained with, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_PATTERNS: dict[str, Any] = {"rank_pattern": {}, "alpha_pattern": {}}
_PLAIN: dict[str, Any] = {"use_rslora": False, **_PATTERNS}


@dataclass(frozen=True, slots=True)
class Method:
    """One method, as PEFT knows it.

    Attributes:
        says: what it is, in a few words.
        config: name of PEFT's class of settings.
        fixed: settings that make it this method.
        options: settings that a user may change, with their defaults; None = chosen for the model at hand.
        rank, alpha, dropout: PEFT's names of these three settings; None where the method has no such thing.
        default_rank: its rank where none is given.
        alpha_per_rank: its alpha where none is given, in multiples of the rank.
        pace: the learning rate that suits it, in multiples of LoRA's.
    """

    says: str
    config: str = "LoraConfig"
    fixed: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=lambda: dict(_PLAIN))
    rank: str | None = "r"
    alpha: str | None = "lora_alpha"
    dropout: str | None = "lora_dropout"
    default_rank: int = 64
    alpha_per_rank: float = 1.0
    pace: float = 1.0


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "lora": Method("low-rank update B·A"),
        "rslora": Method("LoRA scaled by alpha / √rank", fixed={"use_rslora": True}, options=_PATTERNS, pace=0.5),
        "dora": Method("LoRA that learns each row's length apart", fixed={"use_dora": True}),
        "lora+": Method("LoRA whose B learns faster than A", options={**_PLAIN, "lr_ratio": 16.0}, pace=0.25),
        "lora-fa": Method("LoRA whose A stays as it began", pace=2.0),
        "eva": Method(
            "LoRA that begins at the main directions of its inputs",
            fixed={"init_lora_weights": "eva"},
            options={"use_rslora": False, "rho": 1.0, "tau": 0.99, "whiten": False},
        ),
        "olora": Method(
            "LoRA that begins at the weight's QR decomposition",
            fixed={"init_lora_weights": "olora"},
            options={"use_rslora": False},
            pace=0.25,
        ),
        "pissa": Method(
            "LoRA that begins at the weight's main directions",
            fixed={"init_lora_weights": "pissa"},
            options={"use_rslora": False},
            pace=0.25,
        ),
        "lora-ga": Method(
            "LoRA that begins at the gradient's main directions",
            fixed={"init_lora_weights": "lora_ga"},
            options={"use_rslora": False, "direction": "ArB2r", "scale": "stable", "stable_gamma": 16},
            pace=0.5,
        ),
        "vera": Method(
            "one random low-rank pair for all layers, learned scales",
            config="VeraConfig",
            options={"d_initial": 0.1, "projection_prng_key": 0},
            alpha=None,
            dropout="vera_dropout",
            default_rank=256,
            pace=20.0,
        ),
        "randlora": Method(
            "full-rank sum of random low-rank pairs, learned scales",
            config="RandLoraConfig",
            options={"projection_prng_key": 0, "sparse": False, "very_sparse": False},
            alpha="randlora_alpha",
            dropout="randlora_dropout",
            default_rank=32,
            alpha_per_rank=20.0,
        ),
        "fourierft": Method(
            "a few learned frequencies of the weight's change",
            config="FourierFTConfig",
            options={"n_frequency": 1000, "scaling": 150.0, "random_loc_seed": 777, "init_weights": True},
            rank=None,
            alpha=None,
            dropout=None,
            pace=10.0,
        ),
        "c3a": Method(
            "block-circular convolution",
            config="C3AConfig",
            options={"block_size": None, "init_weights": True},
            rank=None,
            alpha=None,
            dropout=None,
            pace=100.0,
        ),
        "gralora": Method(
            "LoRA in a grid of blocks",
            config="GraloraConfig",
            options={"gralora_k": 2, "hybrid_r": 0},
            alpha="alpha",
            dropout="gralora_dropout",
            default_rank=32,
            alpha_per_rank=2.0,
        ),
        "shira": Method(
            "a sparse set of the weight's own numbers",
            config="ShiraConfig",
            options={"random_seed": 0},
            alpha=None,
            dropout=None,
            default_rank=32,
        ),
        "miss": Method(
            "sums of input shards through one learned block",
            config="MissConfig",
            options={"init_weights": True, "mini_r": 1},
            alpha=None,
            dropout="miss_dropout",
        ),
        "alora": Method("LoRA that acts from its invocation tokens on"),
    }
)
