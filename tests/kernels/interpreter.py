"""Triton's interpreter, which runs kernels on the CPU: what it needs to run ours.

It keeps bfloat16 as 16-bit integers, and its matrix product multiplies them as such (seen in Triton 3.9).
"""

from __future__ import annotations

import os
from functools import wraps
from typing import Any

import numpy as np

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
"""Whether kernels are interpreted here. Triton reads the variable as it is imported, so processes differ."""


def mend_products() -> None:
    """Have `tl.dot` multiply the numbers that bfloat16 tensors stand for."""
    import triton.language as tl
    from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

    stock = InterpreterBuilder.create_dot

    def meant(handle: Any) -> Any:
        if handle.dtype.scalar != tl.bfloat16:
            return handle
        return TensorHandle((handle.data.astype(np.uint32) << 16).view(np.float32), tl.float32)

    @wraps(stock)
    def create_dot(self: Any, a: Any, b: Any, *rest: Any) -> Any:
        return stock(self, meant(a), meant(b), *rest)

    InterpreterBuilder.create_dot = create_dot
