"""A linear layer on the faster of the CPU's two matrix libraries.

PyTorch multiplies float32 matrices with MKL, which takes its AVX512 code on Intel's processors alone. oneDNN, which
PyTorch holds as well, takes it on every processor that has the instructions: on an AMD EPYC it does 2.2 times as many
operations per second. A call of it costs some ten microseconds more, so small products stay with MKL
(`benchmarks/linear.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear as torch_linear

HAS_ONEDNN = torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability() == "AVX512"
"""Whether oneDNN is there and this processor has what it is faster with."""
FEWEST_ROWS, FEWEST_PRODUCTS = 3, 1 << 20
"""From how many rows, and from how many multiplications in all, a product is worth oneDNN's dearer call."""


def linear(x: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """x Wᵀ + b, as `torch.nn.functional.linear`; equal to it up to rounding.

    Which library multiplies depends on shapes, types and the processor alone, never on values or on time.

    Args:
        x: [..., in].
        weight_OI: [out, in].
        bias_O: [out], or None.

    Returns:
        [..., out].
    """
    width = x.shape[-1]
    rows = x.numel() // width if width else 0
    if rows < FEWEST_ROWS or rows * weight_OI.numel() < FEWEST_PRODUCTS or not _may_use_onednn(x, weight_OI, bias_O):
        return torch_linear(x, weight_OI, bias_O)
    y: Tensor = torch.ops.mkldnn._linear_pointwise(x.reshape(rows, width), weight_OI, bias_O, "none", [], "")
    return y if x.dim() == 2 else y.view(*x.shape[:-1], -1)


def _may_use_onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    """oneDNN's product is for float32 on this processor, rows one after another, and has no gradient."""
    if not HAS_ONEDNN or x.device.type != "cpu" or x.dtype != torch.float32 or weight.dtype != torch.float32:
        return False
    if x.stride(-1) != 1 or weight.stride(-1) != 1:
        return False
    wanted = x.requires_grad or weight.requires_grad or (bias is not None and bias.requires_grad)
    return not (wanted and torch.is_grad_enabled())
