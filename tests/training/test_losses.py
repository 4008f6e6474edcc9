"""The decoder's losses against loops in float64, and target assignment by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from videomind.model.decoder import DecoderOutput, TimestampDecoder, pyramid_points
from videomind.training.losses import LEVEL_RANGES, assign, decoder_loss, pad_spans

PAIRS = 12


@pytest.fixture
def output() -> DecoderOutput:
    torch.manual_seed(0)
    decoder = TimestampDecoder(16, 32).eval()
    with torch.no_grad():
        out: DecoderOutput = decoder(torch.randn(3, PAIRS, 16), torch.randn(3, 16), every_layer=True)
    return out


def test_short_spans_go_to_fine_levels_and_long_ones_to_coarse_ones() -> None:
    points = pyramid_points(16, torch.device("cpu"))
    positive = assign(pad_spans([[(2.0, 5.0)], [(0.0, 16.0)], []]), points).positive
    found = [(float(points.position[i]), float(points.stride[i])) for i in torch.nonzero(positive[0]).flatten()]
    assert found == [(2, 2), (4, 2)]
    assert set(points.stride[positive[1] > 0].tolist()) == {8.0}
    assert positive[2].sum() == 0


def test_offsets_are_in_strides() -> None:
    points = pyramid_points(16, torch.device("cpu"))
    offsets = assign(pad_spans([[(2.0, 10.0)]]), points).offsets[0]
    index = next(i for i in range(len(points.position)) if (points.position[i], points.stride[i]) == (4, 4))
    assert offsets[index].tolist() == [0.5, 1.5]


def test_losses_equal_a_slow_reference(output: DecoderOutput) -> None:
    spans, choice = [[(2.5, 7.0)], [(0.0, 3.3), (6.0, 11.0)], []], [0.0, 0.99, 0.5]
    got = decoder_loss(output, pad_spans(spans), torch.tensor(choice))
    focal, offset, contrast = (_reference(output, spans, choice, name) for name in ("focal", "offset", "contrast"))
    assert math.isclose(float(got["focal"]), focal, rel_tol=1e-4)
    assert math.isclose(float(got["offset"]), offset, rel_tol=1e-4)
    assert math.isclose(float(got["contrast"]), contrast, rel_tol=1e-4)
    assert math.isclose(float(got["loss"]), 5 * focal + offset + 0.05 * contrast, rel_tol=1e-4)


def test_only_absent_queries_leave_the_class_loss(output: DecoderOutput) -> None:
    got = decoder_loss(output, pad_spans([[], [], []]), torch.zeros(3))
    assert got["offset"] == 0
    assert got["contrast"] == 0
    assert got["focal"] > 0


def test_of_two_spans_the_shorter_has_a_point_that_both_claim() -> None:
    points = pyramid_points(16, torch.device("cpu"))
    targets = assign(pad_spans([[(2.0, 9.0), (3.0, 8.0)]]), points)
    index = next(i for i in range(len(points.position)) if (points.position[i], points.stride[i]) == (4, 4))
    assert targets.positive[0, index] == 1
    assert targets.offsets[0, index].tolist() == [0.25, 1.0]


def _reference(out: DecoderOutput, spans: list[list[tuple[float, float]]], choice: list[float], name: str) -> float:
    layers = len(out.logits)
    cross, away, nce, positives, known = 0.0, 0.0, 0.0, 0, 0
    for b, own in enumerate(spans):
        for n in range(len(out.points.position)):
            at, stride = float(out.points.position[n]), float(out.points.stride[n])
            low, high = LEVEL_RANGES[(1, 2, 4, 8).index(int(stride))]
            claims = [
                (end - start, at - start, end - at)
                for start, end in own
                if start <= at <= end
                and abs(at - (start + end) / 2) <= 1.5 * stride
                and low <= max(at - start, end - at) < high
            ]
            positive = bool(claims)
            _, left, right = min(claims, default=(0.0, 0.0, 0.0))
            positives += positive
            for layer in range(layers):
                p = 1 / (1 + math.exp(-float(out.logits[layer, b, n].double())))
                p = p if positive else 1 - p
                cross -= (1 - p) ** 2 * math.log(p) / layers
                if positive:
                    o = out.offsets[layer, b, n].double().tolist()
                    away += (abs(o[0] - left / stride) + abs(o[1] - right / stride)) / 2 / layers
        inside = [t for t in range(PAIRS) if any(t + 1 > start and t < end for start, end in own)]
        if inside:
            known += 1
            chosen = inside[int(choice[b] * len(inside))]
            for layer in range(layers):
                video, query = (
                    out.video[layer, b].double().detach().numpy(),
                    out.query[layer, b].double().detach().numpy(),
                )
                cosine = video @ query / np.linalg.norm(video, axis=1) / np.linalg.norm(query) / 0.07
                against = [t for t in range(PAIRS) if t not in inside or t == chosen]
                nce += (np.log(np.exp(cosine[against]).sum()) - cosine[chosen]) / layers
    return {"focal": cross / positives, "offset": away / positives, "contrast": float(nce) / known}[name]
