"""What the plug-in and the engine rely on in vLLM, beside that its classes are where they are imported from."""

_PROCESSOR = "vllm.multimodal.processing.processor:BaseMultiModalProcessor"
_RUNNER = "vllm.v1.worker.gpu_model_runner:GPUModelRunner"
_MODEL = "vllm.model_executor.models.qwen2_vl:Qwen2VLForConditionalGeneration"
_PAGES = "vllm.model_executor.models.extract_hidden_states:CacheOnlyAttentionLayer"
_LLM = "vllm.v1.engine.async_llm:AsyncLLM"
_PUNICA = "vllm.lora.punica_wrapper.punica_cpu:PunicaWrapperCPU"

ARGUMENTS = {
    f"{_PROCESSOR}._apply_hf_processor_main": "mm_items",
    f"{_PROCESSOR}._maybe_apply_prompt_updates": "mm_items",
    f"{_PROCESSOR}._get_mm_fields_config": "hf_inputs hf_processor_mm_kwargs",
    f"{_PROCESSOR}._get_prompt_updates": "mm_items hf_processor_mm_kwargs out_mm_kwargs",
    "vllm.multimodal.processing:BaseProcessingInfo.get_data_parser": "",
    "vllm.multimodal.processing:BaseProcessingInfo.get_supported_mm_limits": "",
    "vllm.multimodal.processing:BaseProcessingInfo.get_mm_max_tokens_per_item": "seq_len mm_counts",
    "vllm.multimodal.processing:BaseDummyInputsBuilder.get_dummy_text": "mm_counts",
    "vllm.multimodal.processing:BaseDummyInputsBuilder.get_dummy_mm_data": "seq_len mm_counts",
    "vllm.multimodal.processing:PromptReplacement": "modality target replacement",
    "vllm.multimodal.processing.processor:PlaceholderFeaturesInfo": "modality item_idx start_idx tokens is_embed",
    "vllm.multimodal.inputs:MultiModalFieldConfig.flat_from_sizes": "modality size_per_item",
    "vllm.multimodal.inputs:MultiModalFieldConfig.batched": "modality keep_on_cpu",
    "vllm.multimodal.parse:VideoProcessorItems.get_all": "",
    f"{_MODEL}.get_mrope_input_positions": "input_tokens mm_features",
    f"{_MODEL}.embed_multimodal": "kwargs",
    f"{_MODEL}.embed_input_ids": "input_ids multimodal_embeddings is_multimodal",
    f"{_MODEL}.compute_logits": "hidden_states",
    f"{_MODEL}.load_weights": "weights",
    "vllm.model_executor.models.qwen2_vl:Qwen2VisionTransformer.forward": "x grid_thw",
    "vllm.model_executor.layers.logits_processor:LogitsProcessor.forward": "lm_head hidden_states",
    "vllm.model_executor.layers.layernorm:RMSNorm.forward_native": "x residual",
    "vllm.model_executor.layers.attention:Attention": "num_heads head_size scale",
    "vllm.model_executor.layers.attention:Attention.forward": "query key value",
    "vllm.v1.attention.backends.cpu_attn:CPUAttentionBackend.get_supported_head_sizes": "",
    _PAGES: "num_heads head_size cache_config prefix",
    f"{_PAGES}.get_kv_cache_spec": "vllm_config",
    "vllm.v1.kv_cache_interface:MLAAttentionSpec": "block_size num_kv_heads head_size dtype",
    "vllm.v1.core.kv_cache_utils:generate_block_hash_extra_keys": "request start_token_idx end_token_idx",
    f"{_RUNNER}.load_model": "",
    f"{_RUNNER}.set_active_loras": "input_batch num_scheduled_tokens num_sampled_tokens",
    f"{_RUNNER}._set_active_loras": "prompt_lora_mapping token_lora_mapping lora_requests",
    f"{_RUNNER}._update_states": "scheduler_output",
    f"{_RUNNER}._model_forward": "inputs_embeds",
    f"{_RUNNER}._execute_mm_encoder": "scheduler_output",
    "vllm.v1.worker.gpu_input_batch:InputBatch.make_lora_inputs": "num_scheduled_tokens num_sampled_tokens",
    "vllm.v1.worker.gpu_worker:Worker.init_device": "",
    "vllm.v1.worker.cpu_worker:CPUWorker.init_device": "",
    "vllm.platforms.cpu:CpuPlatform.get_punica_wrapper": "",
    f"{_PUNICA}.update_metadata": "mapping lora_index_to_id max_loras vocab_size",
    f"{_PUNICA}._update_base_metadata": "mapping lora_index_to_id max_loras vocab_size",
    f"{_PUNICA}.add_lora_linear": "y x lora_a_stacked lora_b_stacked scale output_slices",
    f"{_PUNICA}.add_lora_logits": "y x lora_a_stacked lora_b_stacked scale",
    f"{_LLM}.from_engine_args": "engine_args",
    f"{_LLM}.generate": "prompt sampling_params request_id lora_request priority",
    f"{_LLM}.collective_rpc": "method args",
    f"{_LLM}.add_lora": "lora_request",
    f"{_LLM}.pin_lora": "lora_id",
    f"{_LLM}.remove_lora": "lora_id",
    f"{_LLM}.reset_prefix_cache": "",
    f"{_LLM}.reset_mm_cache": "",
    f"{_LLM}.reset_encoder_cache": "",
    f"{_LLM}.check_health": "",
    f"{_LLM}.shutdown": "",
    "vllm.lora.request:LoRARequest": "lora_name lora_int_id lora_path",
    "vllm.sampling_params:SamplingParams": "temperature max_tokens stop_token_ids ignore_eos detokenize output_kind "
    "logprob_token_ids extra_args",
}
"""Parameters that we give, or that our overrides are given, by function."""

ATTRIBUTES = {
    _MODEL: "visual language_model config",
    "vllm.model_executor.models.qwen2:Qwen2ForCausalLM": "model lm_head logits_processor",
    "vllm.model_executor.models.qwen2_vl:Qwen2VisionTransformer": "device dtype spatial_merge_size",
    _PAGES: "attn_backend kv_cache layer_name head_size kv_cache_torch_dtype",
    "vllm.model_executor.models.extract_hidden_states:CacheOnlyAttentionMetadataBuilder": "_cudagraph_support",
    "vllm.forward_context:ForwardContext": "slot_mapping",
    _RUNNER: "model model_config device input_batch requests query_start_loc kv_cache_config",
    "vllm.v1.worker.gpu_input_batch:InputBatch": "req_ids num_computed_tokens_cpu num_prompt_tokens "
    "request_lora_mapping block_table",
    "vllm.v1.worker.gpu_input_batch:CachedRequestState": "prompt_token_ids mm_features sampling_params",
    "vllm.v1.worker.block_table:MultiGroupBlockTable": "block_tables",
    "vllm.v1.worker.block_table:BlockTable": "block_table block_size",
    "vllm.v1.core.sched.output:SchedulerOutput": "scheduled_encoder_inputs preempted_req_ids",
    "vllm.v1.request:Request": "lora_request sampling_params",
    "vllm.multimodal.inputs:MultiModalFeatureSpec": "data identifier",
    "vllm.v1.kv_cache_interface:KVCacheConfig": "kv_cache_groups",
    "vllm.v1.kv_cache_interface:KVCacheGroupSpec": "kv_cache_spec",
    "vllm.v1.kv_cache_interface:UniformTypeKVCacheSpecs": "page_size_bytes block_size",
    _PUNICA: "token_lora_indices sampler_indices no_lora is_prefill",
    "vllm.outputs:RequestOutput": "num_cached_tokens outputs",
    "vllm.outputs:CompletionOutput": "token_ids logprobs",
    _LLM: "model_config",
    "vllm.v1.engine.exceptions:EngineDeadError": "",
    "vllm.v1.engine.exceptions:EngineGenerateError": "",
}
"""Attributes of objects, by class."""

LINES = {
    "vllm.model_executor.models.qwen2:Qwen2Model.forward": "self.norm(hidden_states, residual)",
    "vllm.model_executor.models.qwen2:Qwen2Attention.__init__": "else Attention",
    "vllm.v1.worker.gpu_model_runner:GPUModelRunner.execute_model": "self._model_forward(",
    "vllm.v1.worker.gpu_model_runner:GPUModelRunner._get_slot_mappings": "slot_mappings_by_layer[layer_name] =",
    "vllm.v1.worker.gpu_worker:Worker": "from vllm.v1.worker.gpu_model_runner import",
    "vllm.v1.worker.cpu_worker:CPUWorker.init_device": "= CPUModelRunner(",
    "vllm.v1.core.kv_cache_utils": "= generate_block_hash_extra_keys(",
    "vllm.v1.core.block_pool": "generate_block_hash_extra_keys(",
}
"""What a function or module has to say, where that is what we replace or extend."""

ENVIRONMENT = (
    "VLLM_USE_V2_MODEL_RUNNER",
    "VLLM_ENABLE_V1_MULTIPROCESSING",
    "VLLM_WORKER_MULTIPROC_METHOD",
    "VLLM_CPU_KVCACHE_SPACE",
    "VLLM_NO_USAGE_STATS",
    "VLLM_LOGGING_LEVEL",
)
"""Settings in the environment."""
