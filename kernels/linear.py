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
    if not takes_onednn(x, weight_OI, bias_O):
        return torch_linear(x, weight_OI, bias_O)
    x_NI = x.reshape(-1, x.shape[-1])
    y: Tensor = torch.ops.mkldnn._linear_pointwise(x_NI, weight_OI, bias_O, "none", [], "")
    return y if x.dim() == 2 else y.view(*x.shape[:-1], -1)


def takes_onednn(x: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> bool:
    """Whether `linear` multiplies these with oneDNN.

    Its product is for float32 on this processor and has no gradient. Weights may be transposed, but must be no part of
    a wider matrix: oneDNN multiplies such a part number by number, a thousand times slower.
    """
    width = x.shape[-1]
    rows = x.numel() // width if width else 0
    if rows < FEWEST_ROWS or rows * weight_OI.numel() < FEWEST_PRODUCTS or not HAS_ONEDNN:
        return False
    if x.device.type != "cpu" or x.dtype != torch.float32 or weight_OI.dtype != torch.float32:
        return False
    if x.stride(-1) != 1 or not (weight_OI.is_contiguous() or weight_OI.T.is_contiguous()):
        return False
    wanted = x.requires_grad or weight_OI.requires_grad or (bias_O is not None and bias_O.requires_grad)
    return not (wanted and torch.is_grad_enabled())
