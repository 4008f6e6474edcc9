"""Qwen2's text model over packed tokens: transformers' weights, our forward.

The tokens of all requests stand one behind the other, unpadded; every token has its own adapter, and attention alone
knows which tokens belong together (`kv_cache.py`). Matrices that read the same input are one: q, k and v, and the
MLP's gate and up. Source: Qwen2-VL (arXiv 2409.12191).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import rms_norm, silu

from videomind.errors import BundleError
from videomind.kernels.linear import linear
from videomind.kernels.lora import LoraStack, Routing, add_lora
from videomind.lora_switch.switch import RoleSwitch
from videomind.model.kv_cache import KVShape, KVTree


class Grown(NamedTuple):
    """A tree and how many of the packed tokens, after those of the trees before it, are its new ones."""

    tree: KVTree
    tokens: int


class Projection(NamedTuple):
    """Linear layers that read the same input, as one, with the adapters on them.

    Attributes:
        weight: [out, in], the layers' own weights one behind the other.
        bias: [out], or None.
        lora: the adapters, or None where none touches these layers.
    """

    weight: Tensor
    bias: Tensor | None
    lora: LoraStack | None

    def __call__(self, x_NI: Tensor, routing: Routing) -> Tensor:
        y = linear(x_NI, self.weight, self.bias)
        return y if self.lora is None else add_lora(y, x_NI, self.lora, routing)


class _Layer(NamedTuple):
    norm: Tensor
    qkv: Projection
    out: Projection
    mlp_norm: Tensor
    gate_up: Projection
    down: Projection


class TextDecoder:
    """The decoder layers with the adapters of all roles.

    Args:
        text: transformers' Qwen2-VL text model. Its weights are used where they are; those of layers that become one
            are moved together, and stay the text model's own.
        switch: the adapters.

    Raises:
        BundleError: the model needs something that is not here (sliding windows, another activation).
    """

    def __init__(self, text: Any, switch: RoleSwitch) -> None:
        config = text.config
        if config.hidden_act != "silu" or set(config.layer_types) != {"full_attention"}:
            raise BundleError("this base has sliding-window attention or an activation that Qwen2-VL does not have")
        attention = text.layers[0].self_attn
        self._heads, self._kept, self._size = (
            config.num_attention_heads,
            config.num_key_value_heads,
            attention.head_dim,
        )
        self._eps: float = config.rms_norm_eps
        self._layers = [_layer(text, f"layers.{number}", switch) for number in range(len(text.layers))]
        rotary, sections = text.rotary_emb, torch.tensor(text.rotary_emb.mrope_section)
        self._frequency: Tensor = rotary.inv_freq.float()
        self._scaling: float = rotary.attention_scaling
        self._axis = (torch.arange(len(sections)) % 3).repeat_interleave(sections).to(self._frequency.device)
        weight = self._layers[0].norm
        self.kv_shape = KVShape(len(self._layers), self._kept, self._size, weight.device, weight.dtype)

    @torch.inference_mode()
    def forward(self, embeds_NH: Tensor, positions_3N: Tensor, routing: Routing, grown: Sequence[Grown]) -> Tensor:
        """Hidden states [N, H] before the final norm.

        Args:
            embeds_NH: input embeddings of the packed tokens, visual tokens in place.
            positions_3N: their multimodal RoPE positions.
            routing: their adapters.
            grown: the trees that they belong to, in order; `KVTree.extend` has announced them.
        """
        cos, sin = self._rotation(positions_3N, embeds_NH.dtype)
        x, width = embeds_NH, (embeds_NH.shape[-1],)
        rotated = self._heads + self._kept
        for number, layer in enumerate(self._layers):
            qkv = layer.qkv(rms_norm(x, width, layer.norm, self._eps), routing).unflatten(-1, (-1, self._size))
            qk = _rotate(qkv[:, :rotated], cos, sin)
            seen = _attend(number, qk[:, : self._heads], qk[:, self._heads :], qkv[:, rotated:], grown)
            x = x + layer.out(seen, routing)
            gate, up = layer.gate_up(rms_norm(x, width, layer.mlp_norm, self._eps), routing).chunk(2, dim=-1)
            x = x + layer.down(silu(gate).mul_(up), routing)
        return x

    def _rotation(self, positions_3N: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosine and sine [N, 1, size / 2]: every frequency turns with the axis of its section."""
        angle = positions_3N[self._axis].float().T * self._frequency
        cos, sin = ((part * self._scaling).to(dtype).unsqueeze(1) for part in (angle.cos(), angle.sin()))
        return cos, sin


def _layer(text: Any, name: str, switch: RoleSwitch) -> _Layer:
    layer = text.get_submodule(name)

    def projection(*leaves: str) -> Projection:
        names = [f"{name}.{leaf}" for leaf in leaves]
        modules: list[nn.Linear] = [text.get_submodule(one) for one in names]
        weight, bias = _joined(modules, "weight"), _joined(modules, "bias")
        assert weight is not None
        return Projection(weight, bias, switch.stack(names))

    return _Layer(
        layer.input_layernorm.weight.detach(),
        projection("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        projection("self_attn.o_proj"),
        layer.post_attention_layernorm.weight.detach(),
        projection("mlp.gate_proj", "mlp.up_proj"),
        projection("mlp.down_proj"),
    )


def _joined(modules: Sequence[nn.Linear], name: str) -> Tensor | None:
    """A parameter of several layers as one tensor, of which the layers' own become parts: nothing is held twice."""
    parts: list[Tensor | None] = [getattr(module, name) for module in modules]
    given = [part.detach() for part in parts if part is not None]
    if not given:
        return None
    if len(given) == 1:
        return given[0]
    whole = torch.cat(given)
    for module, part in zip(modules, whole.split([len(one) for one in given]), strict=True):
        getattr(module, name).data = part
    return whole


def _attend(number: int, q: Tensor, k: Tensor, v: Tensor, grown: Sequence[Grown]) -> Tensor:
    if len(grown) == 1:
        return grown[0].tree.attend(number, q, k, v)
    counts = [one.tokens for one in grown]
    parts = zip(q.split(counts), k.split(counts), v.split(counts), strict=True)
    return torch.cat([one.tree.attend(number, *part) for one, part in zip(grown, parts, strict=True)])


def _rotate(x_NHD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding: the two halves of every head turned by the position's angles."""
    first, second = x_NHD.chunk(2, dim=-1)
    turned = torch.empty_like(x_NHD, memory_format=torch.contiguous_format)
    one, other = turned.chunk(2, dim=-1)
    torch.mul(first, cos, out=one).addcmul_(second, sin, value=-1)
    torch.mul(second, cos, out=other).addcmul_(first, sin)
    return turned
