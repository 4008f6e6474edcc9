"""vLLM's batched multi-LoRA on CPU, as one pair of matrix products per adapter of the batch.

The stock CPU code gathers a copy of the factors for every token, and takes the last adapter's factors for tokens that
have no adapter (index −1). Here tokens are grouped by adapter, and those without one are left alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

Groups = list[tuple[int, Tensor | None]]


class GroupedPunica(PunicaWrapperCPU):
    """Adapters by slot: A is [slots, 1, r, in], B is [slots, 1, out, r]."""

    def update_metadata(
        self, mapping: Any, lora_index_to_id: list[int | None], max_loras: int, vocab_size: int, **kwargs: Any
    ) -> None:
        self._update_base_metadata(mapping, lora_index_to_id, max_loras, vocab_size)
        self.is_prefill = True
        self._tokens = _group(self.token_lora_indices)
        self._samples = _group(self.sampler_indices)
        self.no_lora = not self._tokens

    def add_lora_linear(
        self,
        y: Tensor,
        x: Tensor,
        lora_a_stacked: tuple[Tensor, ...],
        lora_b_stacked: tuple[Tensor, ...],
        scale: float,
        output_slices: tuple[int, ...],
        **kwargs: Any,
    ) -> None:
        """y[:, slice] += scale · (x Aᵀ) Bᵀ, slice by slice, each token with its own adapter."""
        add_grouped(self._tokens, y, x, lora_a_stacked, lora_b_stacked, scale, output_slices)

    def add_lora_logits(
        self, y: Tensor, x: Tensor, lora_a_stacked: Tensor, lora_b_stacked: Tensor, scale: float, **kwargs: Any
    ) -> None:
        """As `add_lora_linear`, for the sampled positions and the output projection."""
        width = lora_b_stacked.shape[-2]
        add_grouped(self._samples, y, x, (lora_a_stacked,), (lora_b_stacked,), scale, (width,))


def add_grouped(
    groups: Groups,
    y: Tensor,
    x: Tensor,
    a_stacked: tuple[Tensor, ...],
    b_stacked: tuple[Tensor, ...],
    scale: float,
    widths: tuple[int, ...],
) -> None:
    """Add every group's adapter to its rows of y, in place.

    Args:
        groups: (slot, rows of its tokens [n]), rows None for all.
        y: [..., sum of widths], the base layer's output.
        x: [..., in], its input.
        a_stacked, b_stacked: per slice of the output [slots, 1, r, in] and [slots, 1, width, r].
        scale: factor of what is added.
        widths: width of each slice.
    """
    y, x = y.view(-1, y.shape[-1]), x.view(-1, x.shape[-1])
    for slot, rows in groups:
        own = x if rows is None else x.index_select(0, rows)
        slices = zip(a_stacked, b_stacked, strict=True)
        parts = [(own @ a[slot, 0].to(own.dtype).T) @ b[slot, 0].to(own.dtype).T for a, b in slices]
        delta = torch.cat(parts, -1).mul_(scale).to(y.dtype)
        if rows is None:
            y[:, : sum(widths)] += delta
        else:
            y[:, : sum(widths)].index_add_(0, rows, delta)


def _group(slots: Tensor) -> Groups:
    """Rows by slot, without those that have none (−1)."""
    found = slots.unique().tolist()
    if len(found) == 1:
        return [] if found[0] < 0 else [(found[0], None)]
    return [(slot, (slots == slot).nonzero().squeeze(-1)) for slot in found if slot >= 0]
