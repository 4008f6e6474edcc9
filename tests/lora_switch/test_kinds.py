"""What an `adapter_config.json` says of who can serve the adapter."""

from typing import Any

import pytest

from videomind.errors import BundleError
from videomind.lora_switch.kinds import is_plain, kind_name, kind_of, needs_conversion, odd_settings, vllm_serves

LORA: dict[str, Any] = {"peft_type": "LORA", "r": 8, "lora_alpha": 16}


@pytest.mark.parametrize(
    ("changes", "name", "engine", "vllm"),
    [
        ({}, "LoRA", True, True),
        ({"use_rslora": True}, "LoRA", True, True),
        ({"r": 1024}, "LoRA", True, False),
        ({"rank_pattern": {"q_proj": 1024}, "alpha_pattern": {"q_proj": 2048}}, "LoRA", True, False),
        ({"rank_pattern": {"q_proj": 4}, "alpha_pattern": {"q_proj": 8}}, "LoRA", True, True),
        ({"alpha_pattern": {"q_proj": 8}}, "LoRA", True, True),
        ({"alora_invocation_tokens": [1, 2]}, "LoRA", True, True),
        ({"use_dora": True}, "DoRA", True, False),
        ({"init_lora_weights": "eva"}, "LoRA", True, True),
        ({"init_lora_weights": "pissa_niter_4"}, "PiSSA", False, False),
        ({"init_lora_weights": "olora"}, "OLoRA", False, False),
        ({"peft_type": "VERA"}, "VeRA", False, False),
        ({"peft_type": "shira"}, "SHiRA", False, False),
    ],
)
def test_who_serves_what(changes: dict[str, Any], name: str, engine: bool, vllm: bool) -> None:
    config = LORA | changes
    assert kind_name(config) == name
    assert (not needs_conversion(config), vllm_serves(config)) == (engine, vllm)
    assert is_plain(config) == (name == "LoRA")


def test_a_type_that_is_not_known() -> None:
    for config in ({"peft_type": "OFT"}, {}):
        with pytest.raises(BundleError, match="is not known here: LoRA, VeRA"):
            kind_of(config, "here")


def test_settings_that_change_what_the_numbers_mean() -> None:
    assert odd_settings(LORA | {"lora_dropout": 0.1, "bias": "none", "fan_in_fan_out": False}) == []
    odd = odd_settings(LORA | {"fan_in_fan_out": True, "bias": "all", "init_lora_weights": "lora_ga"})
    assert odd[:2] == ["fan_in_fan_out", "bias=all"]
    assert "path_initial_model_for_weight_conversion" in odd[2]
