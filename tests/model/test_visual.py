"""The batched visual tower against transformers' loop over frame pairs."""

from pathlib import Path

import torch
from transformers import Qwen2VLForConditionalGeneration
from transformers.activations import ACT2FN

from videomind.model.visual import encode_view, quick_gelu


def test_equals_transformers_forward(tiny_bundle: Path) -> None:
    visual = Qwen2VLForConditionalGeneration.from_pretrained(tiny_bundle / "base").model.visual.eval()
    patches = torch.randn(5 * 6 * 8, 1176, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = visual(patches, grid_thw=torch.tensor([[5, 6, 8]])).pooler_output
        ours = encode_view(visual, patches, (5, 6, 8))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_the_activation_is_that_of_transformers() -> None:
    x = torch.linspace(-30, 30, 1001)
    torch.testing.assert_close(quick_gelu(x), ACT2FN["quick_gelu"](x), atol=1e-6, rtol=1e-6)
