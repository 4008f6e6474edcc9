"""QVHighlights as moment_detr scores it, and as VideoMind's version of that script does."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.metrics.test_moment_map import plain
from videomind.evaluation.sample import Prediction, Sample, Span
from videomind.evaluation.scoring import MOMENT_DETR, VIDEOMIND, VIDEOMIND_QVHIGHLIGHTS

from .cases import cases

THRESHOLDS = [round(0.5 + 0.05 * i, 2) for i in range(10)]


def best_window(span: Span, truths: list[Span]) -> Span:
    """The first of those that overlap most, by the sum of lengths."""
    ious = []
    for true in truths:
        shared = max(0.0, min(span[1], true[1]) - max(span[0], true[0]))
        union = (span[1] - span[0]) + (true[1] - true[0]) - shared
        ious.append(shared / union if union else 0.0)
    return truths[int(np.argmax(ious))]


def hull(span: Span, true: Span) -> float:
    shared = max(0.0, min(span[1], true[1]) - max(span[0], true[0]))
    length = max(span[1], true[1]) - min(span[0], true[0])
    return shared / length if length else 0.0


def reference(rows: list[tuple[Sample, list[Prediction]]], longest: float = 150) -> dict[str, float]:
    ranges = {"full": (-1, 1e9), "short": (0, 10), "middle": (10, 30), "long": (30, longest)}
    said: dict[str, float] = {}
    for name, (above, most) in ranges.items():
        precisions = []
        for sample, lines in rows:
            truths = [span for span in sample.spans if above < span[1] - span[0] <= most]
            windows = [
                (*span, score)
                for line in lines
                for span, score in list(zip(line.spans or (), line.scores, strict=True))[:10]
            ]
            if truths:
                precisions.append([plain(windows, truths, threshold) for threshold in THRESHOLDS])
        means = np.array(precisions).mean(0)
        said[f"MR-{name}-mAP"] = float(means.mean()) * 100
        if name == "full":
            said |= {"MR-full-mAP@0.5": means[0] * 100, "MR-full-mAP@0.75": means[5] * 100}
    first = [lines[-1].spans[0] for _, lines in rows]
    ious = [hull(span, best_window(span, list(sample.spans))) for span, (sample, _) in zip(first, rows, strict=True)]
    said |= {f"MR-full-R1@{t}": float(np.mean([iou >= t for iou in ious])) * 100 for t in (0.5, 0.7)}
    return said


def stretched(sample: Sample, by: float) -> Sample:
    return replace(sample, spans=tuple((start * by, end * by) for start, end in sample.spans))


def submitted(seed: int) -> tuple[list[Sample], list[Prediction], list[tuple[Sample, list[Prediction]]]]:
    """Cases with windows of all lengths, and each sample with its lines."""
    samples, predictions = cases(seed)
    samples = [stretched(sample, 1 + number % 9) for number, sample in enumerate(samples)]
    by = {sample.id: 1 + number % 9 for number, sample in enumerate(samples)} | {"unknown": 1}
    predictions = [
        replace(row, spans=tuple((s * by[row.id], e * by[row.id]) for s, e in row.spans) if row.spans else row.spans)
        for row in predictions
    ]
    lines = {s.id: [row for row in predictions if row.id == s.id and not row.failed] for s in samples}
    rows = [(s, lines[s.id]) for s in samples if lines[s.id] and lines[s.id][-1].spans]
    return samples, predictions, rows


@pytest.mark.parametrize("seed", range(4))
def test_moments(seed: int) -> None:
    samples, predictions, rows = submitted(seed)
    found = MOMENT_DETR.measure(samples, predictions)
    expected = reference(rows)
    assert {k: f"{v:.2f}" for k, v in found.metrics.items()} == {k: f"{v:.2f}" for k, v in expected.items()}
    low, high = found.intervals["MR-full-mAP"]
    assert low < found.metrics["MR-full-mAP"] < high


@pytest.mark.parametrize("seed", range(3))
def test_videomind_has_no_longest_and_more_metrics(seed: int) -> None:
    samples, predictions, rows = submitted(seed)
    samples = [stretched(sample, 4) for sample in samples]
    rows = [(stretched(sample, 4), lines) for sample, lines in rows]
    found = VIDEOMIND_QVHIGHLIGHTS.measure(samples, predictions).metrics
    expected = reference(rows, longest=1e9)
    for k in (1, 5):
        best = []
        for sample, lines in rows:
            pairs = [(hull(span, true), span, true) for span in lines[-1].spans[:k] for true in sample.spans]
            best.append(max(iou for iou, *_ in pairs))
        expected |= {f"MR-full-R{k}@{t}": float(np.mean([iou >= t for iou in best])) * 100 for t in (0.3, 0.5, 0.7)}
    means = [hull(l[-1].spans[0], best_window(l[-1].spans[0], list(s.spans))) for s, l in rows]  # noqa: E741
    expected["MR-full-mIoU"] = float(np.mean(means)) * 100
    assert {k: f"{found[k]:.2f}" for k in expected} == {k: f"{v:.2f}" for k, v in expected.items()}
    assert {"MR-short-mIoU", "MR-middle-mIoU", "MR-long-mIoU"} <= set(found)
    elsewhere = VIDEOMIND.measure(samples, predictions).metrics
    assert elsewhere.items() <= found.items()


def test_a_length_that_no_window_has_is_left_out_or_stands_for_all() -> None:
    sample = Sample("1", ("v",), "?", spans=((0, 8),), duration=150)
    row = Prediction("1", ((0, 8), (20, 40)), (0.9, 0.8))
    assert "MR-long-mAP" not in MOMENT_DETR.measure([sample], [row]).metrics
    found = VIDEOMIND_QVHIGHLIGHTS.measure([sample], [row]).metrics
    assert found["MR-long-mAP"] == found["MR-full-mAP"] == 100


def test_bounds_of_lengths() -> None:
    spans = ((0, 10), (0, 30), (0, 150))
    samples = [Sample(str(n), ("v",), "?", spans=(span,)) for n, span in enumerate(spans)]
    rows = [Prediction(str(n), (span if n != 1 else (200, 201),), (1.0,)) for n, span in enumerate(spans)]
    found = MOMENT_DETR.measure(samples, rows).metrics
    assert [found[f"MR-{name}-mAP"] for name in ("short", "middle", "long")] == [100, 0, 100]
    longer = [Sample("1", ("v",), "?", spans=((0, 151),))], [Prediction("1", ((0, 151),), (1.0,))]
    assert "MR-long-mAP" not in MOMENT_DETR.measure(*longer).metrics
    assert VIDEOMIND_QVHIGHLIGHTS.measure(*longer).metrics["MR-long-mAP"] == 100


def test_r1_is_about_the_first_listed_and_map_about_the_best_scored() -> None:
    sample = Sample("1", ("v",), "?", spans=((0, 8),))
    row = Prediction("1", ((20, 30), (0, 8)), (0.1, 0.9))
    found = MOMENT_DETR.measure([sample], [row]).metrics
    assert (found["MR-full-R1@0.5"], found["MR-full-mAP"]) == (0, 100)


def test_only_the_first_ten_windows_count() -> None:
    sample = Sample("1", ("v",), "?", spans=((0, 8),))
    misses = tuple((20.0 + i, 21.0 + i) for i in range(10))
    for count, expected in ((10, 0), (9, 100)):
        row = Prediction("1", (*misses[:count], (0, 8)), (*[0.1] * count, 0.9))
        assert MOMENT_DETR.measure([sample], [row]).metrics["MR-full-mAP"] == expected


def test_windows_without_scores_rank_as_listed() -> None:
    sample = Sample("1", ("v",), "?", spans=((0, 8),))
    assert MOMENT_DETR.measure([sample], [Prediction("1", ((20, 30), (0, 8)))]).metrics["MR-full-mAP"] == 50


def precision_recall(right: list[bool], scores: list[float]) -> float:
    """Average precision as the script has it."""
    if all(right) or not any(right):
        return float(all(right))
    points = []
    for least in sorted(set(scores)):
        above = [r for r, s in zip(right, scores, strict=True) if s >= least]
        points.append((sum(above) / len(above), sum(above) / sum(right)))
    points.append((1.0, 0.0))
    best, kept = 0.0, []
    for (precision, recall), (_, following) in itertools.pairwise(points):
        best = max(best, precision)
        if recall != following:
            kept.append(best)
    return float(np.mean(kept))


def highlights(samples: list[Sample], rows: list[Prediction]) -> dict[str, float]:
    said = {}
    for level, least in (("Fair", 2), ("Good", 3), ("VeryGood", 4)):
        precisions, hits = [], []
        for sample, row in zip(samples, rows, strict=True):
            clips = int((sample.duration or 0) / 2)
            opinions = np.zeros((clips, 3))
            opinions[sample.notes["relevant_clip_ids"]] = sample.notes["saliency_scores"]
            right = opinions >= least
            assert row.saliency is not None
            scores = [*row.saliency, *[0.0] * clips][:clips]
            precisions.append([precision_recall(right[:, a].tolist(), scores) for a in range(3)])
            best = int(np.argmax(row.saliency))
            hits.append(best < clips and right[best].any())
        said[f"HL-min-{level}-mAP"] = 100 * float(np.mean(precisions))
        said[f"HL-min-{level}-Hit1"] = 100 * float(np.mean(hits))
    return said


def annotated(dice: np.random.Generator, number: int) -> tuple[Sample, Prediction]:
    duration = float(dice.integers(4, 40)) + (0.9 if number % 2 else 0)
    clips = int(duration / 2)
    relevant = np.sort(dice.choice(clips, dice.integers(1, clips + 1), replace=False)).tolist()
    opinions = dice.integers(0, 5, (len(relevant), 3)).tolist()
    notes = {"relevant_clip_ids": relevant, "saliency_scores": opinions}
    scores = dice.integers(-2, 4, max(1, clips + int(dice.integers(-2, 3)))) / 4
    return (
        Sample(str(number), ("v",), "?", duration=duration, notes=notes),
        Prediction(str(number), saliency=tuple(scores.tolist())),
    )


def test_highlights() -> None:
    dice = np.random.default_rng(0)
    pairs = [annotated(dice, number) for number in range(120)]
    samples, rows = [sample for sample, _ in pairs], [row for _, row in pairs]
    found = MOMENT_DETR.measure(samples, rows[::-1]).metrics
    expected = highlights(samples, rows)
    assert {k: f"{v:.8f}" for k, v in found.items()} == {k: f"{v:.8f}" for k, v in expected.items()}
    assert list(found) == list(expected)


def test_highlights_need_annotations() -> None:
    sample = Sample("1", ("v",), "?", spans=((0, 10),), duration=10)
    assert "HL-min-Fair-mAP" not in MOMENT_DETR.measure([sample], [Prediction("1", saliency=(0.1,) * 5)]).metrics
