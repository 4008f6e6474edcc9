"""Chain-of-LoRA on vLLM: what stock vLLM lacks, as a plug-in (see docs/vllm.md).

`register` is the entry point of the group `vllm.general_plugins`; vLLM calls it in every process it starts.
"""

from __future__ import annotations

from videomind.lora_switch.vllm_plugin.owned_process import belong_to_parent

ARCHITECTURE = "VideoMindQwen2VL"
"""Name of our model class in vLLM's registry; an engine asks for it by `hf_overrides`."""


def register() -> None:
    """Make the model class known, and let blocks before an adapter's first token be shared with the base model.

    Other models in the same vLLM are left alone. On a release that is not supported nothing is changed; loading our
    model class then says so.
    """
    from videomind.lora_switch.vllm_plugin.versions import is_supported

    belong_to_parent()
    if not is_supported():
        return
    from vllm import ModelRegistry

    from videomind.lora_switch.vllm_plugin.blocks import share_blocks_before_adapter

    if ARCHITECTURE not in ModelRegistry.get_supported_archs():
        ModelRegistry.register_model(ARCHITECTURE, "videomind.lora_switch.vllm_plugin.model:VideoMindQwen2VL")
    share_blocks_before_adapter()
