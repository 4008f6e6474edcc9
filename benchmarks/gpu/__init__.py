"""vLLM on a GPU with random models of published shapes: what `benchmarks.gpu_vllm` is made of."""
