"""Ragged rows of spans, overlaps, unions of intervals: against loops over single spans."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from videomind.evaluation.metrics.localization import best_of_first, best_overlaps, paired_iou
from videomind.evaluation.metrics.overlap import hull_iou, iop, iou, point_iop, segment_iou
from videomind.evaluation.metrics.ragged import head, kept, largest, pairs, ragged, totals
from videomind.evaluation.metrics.unions import merged, summed_iou, union_iou

Row = list[tuple[float, float]]


def rows_of(dice: np.random.Generator, count: int, most: int, ordered: bool = False) -> list[Row]:
    made = [dice.integers(0, 9, (dice.integers(0, most + 1), 2)).astype(float) for _ in range(count)]
    return [[tuple(pair) for pair in (np.sort(row) if ordered else row).tolist()] for row in made]


def test_rows_keep_their_spans_in_order() -> None:
    rows: list[Row] = [[(1, 2), (3, 4)], [], [(5, 6)]]
    flat = ragged(rows)
    assert flat.spans.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert (flat.counts.tolist(), flat.starts.tolist()) == ([2, 0, 1], [0, 2, 2])
    assert (flat.rows.tolist(), flat.places.tolist()) == ([0, 0, 2], [0, 1, 0])
    assert head(flat, 1).spans.tolist() == [[1, 2], [5, 6]]
    assert kept(flat, flat.spans[:, 0] > 1).counts.tolist() == [1, 0, 1]
    assert ragged([]).spans.shape == (0, 2)
    assert ragged([]).starts.tolist() == []


def test_pairs_are_of_one_row_and_all_of_it() -> None:
    dice = np.random.default_rng(0)
    left, right = rows_of(dice, 40, 4), rows_of(dice, 40, 3)
    span, other, each = pairs(ragged(left), ragged(right))
    expected = [(a, b) for mine, theirs in zip(left, right, strict=True) for a in mine for b in theirs]
    found = zip(ragged(left).spans[span].tolist(), ragged(right).spans[other].tolist(), strict=True)
    assert [(tuple(a), tuple(b)) for a, b in found] == expected
    assert each.tolist() == [len(theirs) for mine, theirs in zip(left, right, strict=True) for _ in mine]


def test_largest_and_totals_of_rows_some_empty() -> None:
    values, counts = np.array([3.0, 1.0, 2.0, -5.0]), np.array([0, 2, 0, 1, 1, 0])
    assert largest(values, counts).tolist() == [0, 3, 0, 2, -5, 0]
    assert totals(values, counts).tolist() == [0, 4, 0, 2, -5, 0]


@pytest.mark.parametrize(
    ("span", "true", "expected"),
    [
        ((0, 5), (0, 10), (0.5, 1, 0.5, 1)),
        ((0, 10), (5, 15), (1 / 3, 0.5, 1 / 3, 0.5)),
        ((0, 1), (2, 3), (0, 0, 0, 0)),
        ((4, 4), (0, 10), (0, 0, 0, 1)),
        ((4, 4), (4, 4), (0, 0, 0, 1)),
        ((10, 10), (0, 10), (0, 0, 0, 1)),
        ((6, 2), (0, 10), (0, 0, 0, 0)),
        ((5, 0), (0, 5), (0, 0, 0, 0)),
        ((0, 10), (5, 5), (0, 0, 0, 0)),
        ((float("nan"), 1), (0, 1), (0, 0, 0, 0)),
        ((0, float("inf")), (0, 1), (0, 0, 0, 0)),
    ],
)
def test_overlaps(span: tuple, true: tuple, expected: tuple) -> None:
    one, other = np.array(span, dtype=np.float64), np.array(true, dtype=np.float64)
    found = [float(overlap(one, other)) for overlap in (iou, iop, hull_iou, point_iop)]
    assert found == pytest.approx(expected)


def test_segments_include_their_last() -> None:
    assert float(segment_iou(np.array([0.0, 0.0]), np.array([0.0, 1.0]))) == 0.5
    assert float(segment_iou(np.array([2.0, 3.0]), np.array([2.0, 3.0]))) == 1.0


def test_float32_overlaps_are_torchs_to_the_bit() -> None:
    dice = np.random.default_rng(0)
    spans, true = dice.uniform(0, 200, (5000, 2)).round(1), np.sort(dice.uniform(0, 200, (5000, 2)).round(2))
    a, b = torch.tensor(spans, dtype=torch.float32), torch.tensor(true, dtype=torch.float32)
    shared = (torch.min(a[:, 1], b[:, 1]) - torch.max(a[:, 0], b[:, 0])).clamp(0)
    own, other = a[:, 1] - a[:, 0], b[:, 1] - b[:, 0]
    single, true32 = spans.astype(np.float32), true.astype(np.float32)
    assert iou(single, true32).tolist() == (shared / (own + other - shared)).tolist()
    assert iop(single, true32).tolist() == torch.where(own == 0, 0, shared / own).tolist()
    assert iou(single, true32).dtype == np.float32


def test_the_best_of_the_first_k() -> None:
    dice = np.random.default_rng(1)
    listed, truths = rows_of(dice, 200, 6), rows_of(dice, 200, 3, ordered=True)
    flat = ragged(listed)
    overlaps = best_overlaps(flat, ragged(truths), iou)
    for k in (1, 3, 5):
        expected = [
            max((float(iou(np.array(s), np.array(t))) for s in mine[:k] for t in theirs), default=0.0)
            for mine, theirs in zip(listed, truths, strict=True)
        ]
        assert best_of_first(overlaps, flat.counts, k).tolist() == expected


def test_a_pair_is_chosen_by_the_sum_of_lengths_and_measured_by_the_hull() -> None:
    # the two windows overlap alike; rounding decides which is chosen, and the first where it does not
    rows = ragged([[(0.0, 4.0)], [(3.0, 3.0)], []])
    truths = ragged([[(9.0, 9.5), (0.0, 2.0), (2.0, 4.0)], [(3.0, 3.0)], [(0.0, 1.0)]])
    assert paired_iou(rows, truths, 1).tolist() == [0.5, 0, 0]
    later = ragged([[(20.0, 30.0), (0.0, 2.0)], [], []])
    assert paired_iou(later, truths, 1).tolist() == [0, 0, 0]
    assert paired_iou(later, truths, 5).tolist() == [1, 0, 0]


def test_spans_that_overlap_or_touch_become_one() -> None:
    found = merged(ragged([[(5, 7), (0, 3), (3, 4), (1, 2)], [], [(8, 9)], [(0, 9), (1, 2), (3, 4), (9, 12)]]))
    assert found.spans.tolist() == [[0, 4], [5, 7], [8, 9], [0, 12]]
    assert found.counts.tolist() == [2, 0, 1, 1]


def plain_union(rows: Row) -> set[int]:
    return {unit for start, end in rows for unit in range(int(start), int(end))}


def test_union_iou_is_that_of_the_sets() -> None:
    dice = np.random.default_rng(2)
    listed, truths = rows_of(dice, 300, 5, ordered=True), rows_of(dice, 300, 5, ordered=True)
    expected = []
    for mine, theirs in zip(listed, truths, strict=True):
        one, other = plain_union(mine), plain_union(theirs)
        expected.append(len(one & other) / len(one | other) if one | other else 0.0)
    assert union_iou(ragged(listed), ragged(truths)).tolist() == pytest.approx(expected)


def test_summed_overlaps_round_as_torch_does() -> None:
    dice = np.random.default_rng(3)
    truths = [np.sort(dice.random((count, 2)) * 1000).tolist() for count in dice.integers(1, 40, 300)]
    listed = [[(0.0, float(end))] for end in dice.random(300) * 1000]
    expected = []
    for (mine,), true in zip(listed, truths, strict=True):
        span, spans = torch.tensor(mine), torch.tensor(true)
        shared = (torch.minimum(span[1], spans[:, 1]) - torch.maximum(span[0], spans[:, 0])).clamp(min=0).sum()
        expected.append((shared / (span[1] - span[0] + (spans[:, 1] - spans[:, 0]).sum() - shared)).item())
    assert summed_iou(ragged(listed), ragged(truths)).tolist() == expected


def test_summed_overlaps_can_exceed_one_and_are_none_where_not_finite() -> None:
    truths = ragged([[(0, 10), (0, 10)], [(3, 3)], [(0, 4)]])
    assert summed_iou(ragged([[(0, 10)], [(3, 3)], [(4, 0)]]), truths).tolist() == [2, 0, 0]
