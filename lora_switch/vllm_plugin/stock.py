"""What the model class is built on of vLLM, imported with or without torchvision, and only from a release we know."""

# ruff: noqa: E402  (what is checked is checked before vLLM is imported)

from videomind.lora_switch.vllm_plugin.versions import check_version, import_without_torchvision

check_version()
import_without_torchvision()

from vllm.forward_context import get_forward_context, is_forward_context_available
from vllm.model_executor.layers.attention import Attention
from vllm.model_executor.layers.layernorm import RMSNorm
from vllm.model_executor.models.extract_hidden_states import (
    CacheOnlyAttentionBackend,
    CacheOnlyAttentionLayer,
    CacheOnlyAttentionMetadataBuilder,
)
from vllm.model_executor.models.qwen2_vl import (
    Qwen2VLDummyInputsBuilder,
    Qwen2VLForConditionalGeneration,
    Qwen2VLMultiModalProcessor,
    Qwen2VLProcessingInfo,
)
from vllm.multimodal import MULTIMODAL_REGISTRY
from vllm.multimodal.inputs import MultiModalFieldConfig
from vllm.multimodal.parse import MultiModalDataParser
from vllm.multimodal.processing import PromptReplacement, PromptUpdate
from vllm.multimodal.processing.processor import PlaceholderFeaturesInfo
from vllm.platforms import current_platform
from vllm.v1.attention.backend import AttentionCGSupport
from vllm.v1.kv_cache_interface import MLAAttentionSpec

__all__ = [
    "MULTIMODAL_REGISTRY",
    "Attention",
    "AttentionCGSupport",
    "CacheOnlyAttentionBackend",
    "CacheOnlyAttentionLayer",
    "CacheOnlyAttentionMetadataBuilder",
    "MLAAttentionSpec",
    "MultiModalDataParser",
    "MultiModalFieldConfig",
    "PlaceholderFeaturesInfo",
    "PromptReplacement",
    "PromptUpdate",
    "Qwen2VLDummyInputsBuilder",
    "Qwen2VLForConditionalGeneration",
    "Qwen2VLMultiModalProcessor",
    "Qwen2VLProcessingInfo",
    "RMSNorm",
    "current_platform",
    "get_forward_context",
    "is_forward_context_available",
]
