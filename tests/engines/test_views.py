"""Frame pairs are encoded once, in whatever views they stand and in pieces of any size. Tolerance: float32 on CPU."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from tests import tiny
from videomind.cancellable import Cancel
from videomind.engines import views
from videomind.engines.views import PairKey, ViewEncoder, pair_keys
from videomind.errors import Cancelled
from videomind.model.qwen2_vl import Qwen2VLBackbone
from videomind.roles.spec import CELL, View
from videomind.vision.clip import Clip, load_clip
from videomind.vision.reader import open_video

WIDE = View(fps=1.0, max_frames=16, min_pixels=8 * CELL, max_pixels=8 * CELL)
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)


@pytest.fixture(scope="module")
def backbone(tiny_bundle: Path) -> Qwen2VLBackbone:
    return Qwen2VLBackbone.from_pretrained(tiny_bundle / "base", torch.device("cpu"), torch.float32)


def encoder(backbone: Qwen2VLBackbone, max_bytes: int = 1 << 20) -> ViewEncoder:
    return ViewEncoder(backbone, MEAN, STD, torch.device("cpu"), nullcontext, max_bytes)


@pytest.fixture(scope="module")
def clips(frames: np.ndarray) -> Iterator[list[Clip]]:
    """Views of two sizes and two videos; some have frame pairs in common, and one an odd number of frames."""
    with open_video(frames, fps=1.0) as reader, open_video(frames[:, :42], fps=1.0) as other:
        whole = load_clip(reader, tiny.VIEW)
        part = Clip(whole.frames[2:7], whole.indices[2:7], (2.0, 7.0), 1.0, whole.content)
        yield [whole, part, load_clip(other, WIDE), load_clip(other, WIDE, (0.0, 5.0))]


def test_views_encoded_together_give_what_each_gives_alone(
    backbone: Qwen2VLBackbone, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [encoder(backbone).encode([clip])[0].tokens for clip in clips]
    for most in (views.MAX_PATCHES_ON_CPU, 100, 1):
        monkeypatch.setattr(views, "MAX_PATCHES_ON_CPU", most)
        for one, expected in zip(encoder(backbone).encode(clips), alone, strict=True):
            torch.testing.assert_close(one.tokens, expected, atol=1e-5, rtol=1e-5)


def test_a_pair_is_encoded_once(backbone: Qwen2VLBackbone, clips: list[Clip]) -> None:
    whole, part = clips[:2]
    kept = encoder(backbone)
    first = kept.encode([whole])
    made = kept.pairs.made
    assert made == whole.num_pairs
    second = kept.encode([part, whole])
    assert kept.pairs.made == made + 1  # the odd last frame, which is a pair of its own
    assert [view.is_new for view in (*first, *second)] == [True, True, False]
    window = len(first[0].tokens) // whole.num_pairs
    torch.testing.assert_close(second[0].tokens[: 2 * window], first[0].tokens[window : 3 * window])
    for tokens in kept.pairs.find(pair_keys(whole)).values():
        assert tokens.untyped_storage().nbytes() == tokens.nbytes  # keeping one does not keep others


def test_keys_name_the_frames_and_their_size(clips: list[Clip]) -> None:
    part = clips[1]
    height, width = part.frames.shape[1:3]
    first, second, third, fourth, last = part.indices
    pairs = [(first, second), (third, fourth), (last, last)]
    assert pair_keys(part) == [PairKey(part.content, *pair, height, width) for pair in pairs]


def test_a_long_view_goes_through_in_pieces(
    backbone: Qwen2VLBackbone, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    encode = backbone.encode
    monkeypatch.setattr(backbone, "encode", lambda values, grid: seen.append(grid[0]) or encode(values, grid))
    patches = clips[0].grid[1] * clips[0].grid[2]
    monkeypatch.setattr(views, "MAX_PATCHES_ON_CPU", 3 * patches)
    encoder(backbone).encode(clips[:1])
    assert seen == [3] * (clips[0].num_pairs // 3) + [clips[0].num_pairs % 3] * (clips[0].num_pairs % 3 > 0)


def test_a_cancelled_call_encodes_nothing(backbone: Qwen2VLBackbone, clips: list[Clip]) -> None:
    cancel, kept = Cancel(), encoder(backbone)
    cancel.set()
    with pytest.raises(Cancelled):
        kept.encode(clips, cancel)
    assert kept.pairs.made == 0
