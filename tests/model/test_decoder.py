"""The timestamp decoder: its published names, its points, and its spans against a slow float64 version."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from videomind.model.decoder import TimestampDecoder, position_code, pyramid_points


def test_loads_a_published_state_dict_name_by_name(parity_dir: Path) -> None:
    published = load_file(parity_dir / "model" / "pytorch_model.safetensors")
    names = {key.removeprefix("base_model.model."): value.shape for key, value in published.items()}
    ours = TimestampDecoder(hidden_size=64).state_dict()
    assert names == {key: value.shape for key, value in ours.items()}


def test_sizes_are_read_off_the_weights() -> None:
    state = TimestampDecoder(hidden_size=48, dims=32).state_dict()
    decoder = TimestampDecoder.from_state_dict(state)
    assert decoder.dims == 32
    assert not decoder.training


def test_a_missing_weight_is_an_error() -> None:
    state = TimestampDecoder(hidden_size=48, dims=32).state_dict()
    del state["vis_norm.weight"]
    with pytest.raises(RuntimeError, match=r"vis_norm\.weight"):
        TimestampDecoder.from_state_dict(state)


def test_position_code_is_one_turn_of_sines() -> None:
    code = position_code(7, 16, torch.device("cpu"))
    for place in range(7):
        for channel in range(16):
            angle = (place + 1) / (7 + 1e-6) * 2 * math.pi / 10000 ** (2 * (channel // 2) / 16)
            expected = math.sin(angle) if channel % 2 == 0 else math.cos(angle)
            assert code[place, channel].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("length", "levels"), [(16, [16, 8, 4, 2]), (7, [7, 3, 1]), (1, [1])])
def test_levels_longer_than_the_video_are_skipped(length: int, levels: list[int]) -> None:
    points = pyramid_points(length, torch.device("cpu"))
    assert points.stride.unique_consecutive(return_counts=True)[1].tolist() == levels
    assert points.position[-1] < length


def test_single_precision_spans_agree_with_double_precision() -> None:
    torch.manual_seed(0)
    decoder = TimestampDecoder(hidden_size=48, dims=64).eval()
    frames, query = torch.randn(13, 48), torch.randn(48)
    spans = decoder.spans(frames, query)
    with torch.inference_mode():
        out = decoder.double()(frames[None].double(), query[None].double())
    scores = out.logits.flatten().sigmoid().sort(descending=True).values.numpy()
    kept = spans[spans[:, 2] > 0]
    best = out.logits.flatten().argmax()
    start = (out.points.position[best] - out.offsets[0, 0, best, 0] * out.points.stride[best]) / 13
    assert kept[0, 2] == pytest.approx(scores[0], abs=1e-6)
    assert kept[0, 0] == pytest.approx(start.item(), abs=1e-5)
    assert set(np.round(kept[:, 2], 5)) <= set(np.round(scores, 5).astype(np.float32))


def test_every_layer_predicts_and_the_last_is_the_prediction() -> None:
    torch.manual_seed(0)
    decoder = TimestampDecoder(hidden_size=48, dims=32).eval()
    frames, query = torch.randn(2, 9, 48), torch.randn(2, 48)
    every, last = decoder(frames, query, every_layer=True), decoder(frames, query)
    assert every.logits.shape == (3, 2, 9 + 4 + 2 + 1)
    torch.testing.assert_close(every.logits[-1:], last.logits)
    torch.testing.assert_close(every.offsets[-1:], last.offsets)
