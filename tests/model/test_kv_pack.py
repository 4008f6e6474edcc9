"""KV kept in 8 bits: how far it is from what it was, and what it takes."""

import pytest
import torch
from torch import Tensor

from videomind.model.kv_pack import pack_kv


def kv(dtype: torch.dtype = torch.float32) -> Tensor:
    """[2 layers, 2, 3 heads, 50 tokens, 16]; one channel of the keys is much larger than the others."""
    numbers = torch.randn(2, 2, 3, 50, 16, generator=torch.Generator().manual_seed(0))
    numbers[:, 0, :, :, 5] *= 100
    numbers[:, 1, :, 7] *= 50  # and one token of the values
    return numbers.to(dtype)


def test_exact_is_what_it_was() -> None:
    kept = pack_kv(kv(), "exact")
    assert torch.equal(kept.unpacked(), kv())
    assert (kept.tokens, kept.nbytes) == (50, kv().nbytes)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_in_8_bits_every_number_is_within_half_a_level(dtype: torch.dtype) -> None:
    kept = pack_kv(kv(dtype), "int8")
    found, expected = kept.unpacked(), kv(dtype)
    assert found.dtype == dtype
    for part, over in ((0, 2), (1, 3)):  # keys by channel, values by token
        largest = expected[:, part].float().abs().amax(over, keepdim=True)
        most = largest / 127 / 2 + largest * torch.finfo(dtype).eps  # half a level, and rounding to the type
        assert bool(((found.float() - expected.float())[:, part].abs() <= most).all())
    assert kept.nbytes < expected.nbytes * (0.35 if dtype == torch.float32 else 0.7)


def test_what_is_all_zero_stays_so() -> None:
    assert torch.equal(pack_kv(torch.zeros(1, 2, 1, 4, 8), "int8").unpacked(), torch.zeros(1, 2, 1, 4, 8))
