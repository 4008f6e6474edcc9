"""vLLM's LoRA on CPU by groups: against a float64 reference, token by token."""

import pytest
import torch

pytestmark = pytest.mark.vllm
SLOTS, RANK, INPUT, WIDTHS = 3, 4, 10, (6, 5)
TOLERANCE = 1e-5


def stacked(seed: int) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
    """Factors of every slot, for two slices of the output. Every slot is in use."""
    generator = torch.Generator().manual_seed(seed)
    a = tuple(torch.randn(SLOTS, 1, RANK, INPUT, generator=generator) for _ in WIDTHS)
    b = tuple(torch.randn(SLOTS, 1, width, RANK, generator=generator) for width in WIDTHS)
    return a, b


@pytest.mark.parametrize("slots", [[0, 1, 2, -1, 1, 0], [-1] * 6, [2] * 6, [-1, 2, -1, 2, -1, -1]])
def test_every_token_gets_its_own_adapter_and_those_without_none(slots: list[int]) -> None:
    from videomind.kernels.punica_cpu import _group, add_grouped

    a, b = stacked(0)
    x, y = torch.randn(6, INPUT), torch.randn(6, sum(WIDTHS))
    expected = y.double().clone()
    for row, slot in enumerate(slots):
        if slot >= 0:
            parts = [x[row].double() @ a[i][slot, 0].double().T @ b[i][slot, 0].double().T for i in range(len(WIDTHS))]
            expected[row] += 0.5 * torch.cat(parts)
    add_grouped(_group(torch.tensor(slots)), y, x, a, b, 0.5, WIDTHS)
    torch.testing.assert_close(y.double(), expected, atol=TOLERANCE, rtol=TOLERANCE)
