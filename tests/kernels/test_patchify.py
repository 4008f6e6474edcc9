"""`patchify` against a plain reference: on the CPU, on a GPU, and its kernel interpreted (`test_interpreted.py`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.kernels.interpreter import INTERPRETED
from videomind.kernels import patchify as module
from videomind.kernels.patchify import patchify

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CLIPS = {"one pair": (2, 28, 28), "wide": (4, 28, 84), "high, odd": (5, 84, 56), "one frame": (1, 56, 28)}
DTYPES = [torch.float32, torch.bfloat16, torch.float16]


def noise(count: int, height: int, width: int) -> Tensor:
    pixels = np.random.default_rng(count).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    return torch.from_numpy(pixels)


def by_loops(frames: Tensor, patch: int = 14, merge: int = 2, temporal: int = 2) -> Tensor:
    """The published order, written out; the published arithmetic, frame by frame."""
    shift, scale = torch.tensor(MEAN), torch.tensor(STD)
    seen = [(frame.float() * (1 / 255) - shift) / scale for frame in frames]
    seen += [seen[-1]] * (-len(seen) % temporal)
    rows, cell = [], patch * merge
    for pair in range(0, len(seen), temporal):
        for cell_y in range(0, frames.shape[1], cell):
            for cell_x in range(0, frames.shape[2], cell):
                for y in range(cell_y, cell_y + cell, patch):
                    for x in range(cell_x, cell_x + cell, patch):
                        parts = [frame[y : y + patch, x : x + patch] for frame in seen[pair : pair + temporal]]
                        rows.append(torch.stack(parts).permute(3, 0, 1, 2).flatten())
    return torch.stack(rows)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("clip", CLIPS)
def test_same_bits_as_the_published_way(clip: str, dtype: torch.dtype) -> None:
    frames = noise(*CLIPS[clip])
    assert patchify(frames, MEAN, STD, dtype).equal(by_loops(frames).to(dtype))


def test_other_patches() -> None:
    frames = noise(4, 48, 32)
    made = patchify(frames, MEAN, STD, patch=16, merge=1, temporal=3)
    assert made.equal(by_loops(frames, 16, 1, 3))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("count", [6, 7])
def test_chunks_make_no_difference(count: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = noise(count, 56, 56)
    at_once = patchify(frames, MEAN, STD, dtype)
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    assert patchify(frames, MEAN, STD, dtype).equal(at_once)


def test_a_view_of_a_larger_picture() -> None:
    frames = noise(2, 56, 84)
    assert patchify(frames[:, :, 28:56], MEAN, STD).equal(patchify(frames[:, :, 28:56].clone(), MEAN, STD))


def in_triton(frames: Tensor, dtype: torch.dtype, patch: int = 14, merge: int = 2, temporal: int = 2) -> Tensor:
    pytest.importorskip("triton", reason="needs Triton")
    from videomind.kernels.patchify_triton import patchify_triton

    return patchify_triton(frames, MEAN, STD, dtype, patch, merge, temporal)


@pytest.mark.skipif(not INTERPRETED, reason="runs under TRITON_INTERPRET=1")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("clip", CLIPS)
def test_interpreted_kernel(clip: str, dtype: torch.dtype) -> None:
    """Bit for bit; but bfloat16 the interpreter cuts off where a GPU rounds."""
    frames = noise(*CLIPS[clip])
    assert in_triton(frames, dtype).equal(by_loops(frames).to(dtype))
    assert in_triton(frames[:, :28, :28], dtype).equal(by_loops(frames[:, :28, :28]).to(dtype))


@pytest.mark.skipif(not INTERPRETED, reason="runs under TRITON_INTERPRET=1")
def test_interpreted_kernel_of_other_patches() -> None:
    frames = noise(4, 48, 32)
    assert in_triton(frames, torch.float32, 16, 1, 3).equal(by_loops(frames, 16, 1, 3))
    assert in_triton(frames, torch.float32, 4, 4, 1).equal(by_loops(frames, 4, 4, 1))


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled under the interpreter")
@pytest.mark.parametrize("kind", ["fp32", "bf16", "fp16"])
def test_compiled_kernel_fuses_nothing_and_divides_exactly(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    triton = pytest.importorskip("triton", reason="needs Triton")
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from videomind.kernels.patchify_triton import BLOCK, _patchify

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    constants = {"patch": 14, "merge": 2, "temporal": 2, "block": BLOCK}
    kinds = (
        {"frames": "*u8", "out": f"*{kind}"} | dict.fromkeys(("count", "height", "width"), "i32") | {"numbers": "i64"}
    )
    signature = {name: "constexpr" if name in constants else kinds.get(name, "fp32") for name in _patchify.arg_names}
    source = ASTSource(fn=_patchify, signature=signature, constexprs=constants)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"enable_fp_fusion": False})
    assert made.asm["cubin"]
    assert "div.rn.f32" in made.asm["ptx"]
    assert "fma.rn.f32" not in made.asm["ptx"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("clip", [*CLIPS.values(), (9, 168, 196)], ids=str)
def test_same_bits_on_a_gpu(clip: tuple[int, int, int], dtype: torch.dtype) -> None:
    frames = noise(*clip)
    assert patchify(frames.cuda(), MEAN, STD, dtype).cpu().equal(patchify(frames, MEAN, STD, dtype))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_more_numbers_than_32_bits_count() -> None:
    tile = noise(1, 28, 28)
    frames = tile.cuda().repeat(1, 50, 50, 1).expand(400, -1, -1, -1)  # 2.35e9 numbers
    last = patchify(frames, MEAN, STD, torch.bfloat16)[-1]
    assert last.cpu().equal(patchify(tile, MEAN, STD, torch.bfloat16)[-1])
