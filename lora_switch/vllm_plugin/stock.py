"""vLLM's Qwen2-VL, imported with or without torchvision, and only in a release that we know."""

from videomind.lora_switch.vllm_plugin.versions import check_version, import_without_torchvision

check_version()
import_without_torchvision()

from vllm.model_executor.models.qwen2_vl import (  # noqa: E402
    Qwen2VLDummyInputsBuilder,
    Qwen2VLForConditionalGeneration,
    Qwen2VLMultiModalProcessor,
    Qwen2VLProcessingInfo,
)

__all__ = [
    "Qwen2VLDummyInputsBuilder",
    "Qwen2VLForConditionalGeneration",
    "Qwen2VLMultiModalProcessor",
    "Qwen2VLProcessingInfo",
]
