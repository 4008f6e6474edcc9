"""Ways to add the adapters of a batch to a layer's output: ours, plain torch, vLLM's kernels, PEFT's layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from benchmarks.gpu.lora_layer import Layer
from videomind.kernels.lora import Routing, add_lora
from videomind.kernels.lora_grouped import add_lora_grouped

Add = Callable[[Tensor, Tensor, Routing], Callable[[], Tensor]]
"""Given y, x and who asks for what: what does it, in place or not, and gives the output."""


def rivals(layer: Layer, interpreted: bool) -> Iterator[tuple[str, Add]]:
    """All that can run here, by name. `interpreted`: our CUDA kernels, in Triton's interpreter."""
    yield "ours", _ours(layer, interpreted)
    yield "torch", lambda y, x, routing: lambda: add_lora_grouped(y, x, layer.stack, routing)
    if layer.stack.a.is_cuda and layer.stack.a.dtype != torch.float32 and (stock := _vllm(layer)) is not None:
        yield "vllm", stock
    yield "peft", _peft(layer)


def _ours(layer: Layer, interpreted: bool) -> Add:
    if not interpreted:
        return lambda y, x, routing: lambda: add_lora(y, x, layer.stack, routing)
    from videomind.kernels.lora_triton import add_lora_triton

    return lambda y, x, routing: lambda: add_lora_triton(y, x, layer.stack, routing)


def _vllm(layer: Layer) -> Add | None:
    """VLLM's shrink and expand as its own layers call them, with the batch's metadata made beforehand."""
    try:
        from vllm.lora.ops.triton_ops import LoRAKernelMeta, lora_expand, lora_shrink
    except ImportError:
        return None
    a, b = [one.unsqueeze(1).contiguous() for one in layer.a], [one.unsqueeze(1).contiguous() for one in layer.b]

    def prepare(y: Tensor, x: Tensor, routing: Routing) -> Callable[[], Tensor]:
        count, rank = len(x), layer.shape.rank
        meta = LoRAKernelMeta.make(layer.shape.adapters, count, x.device)
        meta.prepare_tensors(routing.index.int())
        told = meta.meta_args(count, True)

        def run() -> Tensor:
            low = torch.empty(len(a), count, rank, device=x.device, dtype=torch.float32)
            lora_shrink(x, a, low, *told, 1.0)
            lora_expand(low, b, y, *told, offset_start=0, add_inputs=True)
            return y

        return run

    return prepare


def _peft(layer: Layer) -> Add:
    """PEFT's mixed batch, an adapter per token. Its layers multiply with their own weights too, here zeros."""
    shape, like = layer.shape, layer.stack.a
    model = nn.ModuleDict({f"slice_{place}": nn.Linear(shape.hidden, out) for place, out in enumerate(shape.outs)})
    names = [f"role_{number}" for number in range(shape.adapters)]
    config = LoraConfig(r=shape.rank, lora_alpha=shape.rank, target_modules=list(model), init_lora_weights=False)
    adapted = get_peft_model(model, config, adapter_name=names[0])
    for name in names[1:]:
        adapted.add_adapter(name, config)
    adapted = adapted.to(like.device, like.dtype).eval()
    for place, slot in enumerate(model.values()):
        nn.init.zeros_(slot.base_layer.weight)
        nn.init.zeros_(slot.base_layer.bias)
        for number, name in enumerate(names):
            slot.lora_A[name].weight.data = layer.a[place][number]
            slot.lora_B[name].weight.data = layer.b[place][number]

    def prepare(y: Tensor, x: Tensor, routing: Routing) -> Callable[[], Tensor]:
        asked = [names[adapter] for adapter in routing.index.tolist()]
        rows = x.unsqueeze(1)
        return lambda: y + torch.cat([slot(rows, adapter_names=asked) for slot in model.values()], -1).squeeze(1)

    return prepare
