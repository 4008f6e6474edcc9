"""The Triton kernels without a GPU: they compile for NVIDIA's, to what makes them fast there."""

from typing import Any

import pytest

from tests.kernels.interpreter import INTERPRETED

triton = pytest.importorskip("triton")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(INTERPRETED, reason="nothing is compiled under the interpreter"),
    pytest.mark.filterwarnings("ignore:TRITON_DEFAULT_FP_FUSION"),
]
CHOICES = {"moved": True, "dora": False, "aligned": True, "ranks": 32, "columns": 64, "splits": 4, "stretches": None}
NUMBERS = ("x_stride", "inputs", "count", "widest", "y_stride", "slices", "adapters", "outputs")
ODD = ("count", "slices", "adapters")
"""Numbers that are no multiples of 16 in a model of published shape."""


def compiled(kernel: Any, dtype: str, architecture: int, rows: int, **choices: Any) -> str:
    """The PTX of a kernel for a compute capability, after ptxas has taken it."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    constants = {**CHOICES, "rows": rows, "depth": 64 if dtype == "fp32" else 128, **choices}
    types = dict.fromkeys(("x", "a", "b", "y"), f"*{dtype}") | {"low": "*fp32", "stretches": "*fp32"}
    signature, known = {}, {}
    for place, name in enumerate(kernel.arg_names):
        constant = name in constants and not (name == "stretches" and constants["dora"])
        signature[name] = "constexpr" if constant else "i32" if name in NUMBERS else types.get(name, "*i64")
        if not constant and name not in ODD:
            known[place,] = [["tt.divisibility", 16]]
    chosen = {name: constants[name] for name, kind in signature.items() if kind == "constexpr"}
    source = ASTSource(fn=kernel, signature=signature, constexprs=chosen, attrs=known)
    made = triton.compile(source, target=GPUTarget("cuda", architecture, 32))
    assert made.asm["cubin"]
    return str(made.asm["ptx"])


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize(("architecture", "dtype"), [(80, "bf16"), (90, "fp32"), (90, "fp16")])
@pytest.mark.parametrize("rows", [16, 64])
def test_the_shrink_copies_ahead_and_uses_tensor_cores(rows: int, architecture: int, dtype: str) -> None:
    from videomind.kernels.lora_triton import _shrink

    code = compiled(_shrink, dtype, architecture, rows)
    assert "cp.async" in code
    assert ("mma" in code) == (dtype != "fp32")  # float32 is multiplied as such, not as TF32


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize(("architecture", "dtype"), [(80, "bf16"), (90, "fp32"), (90, "fp16")])
def test_the_expand_moves_several_numbers_at_a_time(dora: bool, architecture: int, dtype: str) -> None:
    from videomind.kernels.lora_triton import _expand

    code = compiled(_expand, dtype, architecture, 16, dora=dora)
    assert "ld.global.v4" in code
    assert "st.global.v4" in code
    assert ("mma" in code) == (dtype != "fp32")
    assert "ld.global.v4" not in compiled(_expand, dtype, architecture, 16, dora=dora, aligned=False)
