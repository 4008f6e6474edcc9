"""VideoMind's own evaluation, against its definition followed step by step with torch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest
import torch

from videomind.evaluation.sample import Prediction, Sample
from videomind.evaluation.scoring import VIDEOMIND, VIDEOMIND_CGBENCH
from videomind.evaluation.scoring.videomind import first_letter

from .cases import OPTIONS, cases


def overlaps(listed: list, true: list, of_prediction: bool) -> torch.Tensor:
    """IoU or IoP of each pair."""
    a, b = torch.tensor(listed, dtype=torch.float32), torch.tensor(true, dtype=torch.float32)
    shared = (torch.min(a[:, None, 1], b[:, 1]) - torch.max(a[:, None, 0], b[:, 0])).clamp(0)
    own, other = a[:, 1] - a[:, 0], b[:, 1] - b[:, 0]
    ratio = shared / own[:, None] if of_prediction else shared / (own[:, None] + other - shared)
    return torch.where(ratio.isfinite(), ratio, 0)


def right(row: Prediction, truth: Sample) -> bool:
    assert row.response is not None
    assert truth.answer is not None
    word = row.response.lower().split(" ")[0].replace("(", "").replace(")", "").replace(".", "")
    return word[0] in "abcd"[: len(truth.options)] and word[0] == truth.answer.lower()


def printed(total: float, count: int) -> str:
    return f"{total / count * 100:.2f}"


def reference(pairs: list[tuple[Prediction, Sample]]) -> dict[str, str]:
    """What it would print."""
    totals: defaultdict[str, float] = defaultdict(float)
    grounded = asked = 0
    for row, truth in pairs:
        hit_iou = hit_iop = False
        if row.spans and truth.spans:
            grounded += 1
            for of_prediction, mean in ((False, "mIoU"), (True, "mIoP")):
                found = overlaps(list(row.spans), list(truth.spans), of_prediction)
                totals[mean] += found[0].max().item()
                for k in (1, 3, 5):
                    for threshold in (0.3, 0.5, 0.7):
                        hit = bool(found[:k].max() >= threshold)
                        totals[f"{mean} R{k}@{threshold}"] += hit
                        if k == 1 and threshold == 0.5:
                            hit_iou, hit_iop = (hit_iou, hit) if of_prediction else (hit, hit_iop)
        if row.response is not None:
            asked += 1
            correct = right(row, truth)
            totals["Acc"] += correct
            totals["Acc@IoU"] += correct and hit_iou
            totals["Acc@GQA"] += correct and hit_iop
    said = {}
    for name, total in totals.items():
        label = name.replace("mIoU R", "R").replace("mIoP R1@", "IoP@").replace("mIoP R", "IoP R")
        said[label] = printed(total, asked if name.startswith("Acc") else grounded)
    return said


def pairs_of(samples: list[Sample], predictions: list[Prediction]) -> list[tuple[Prediction, Sample]]:
    known = {sample.id: sample for sample in samples}
    return [(row, known[row.id]) for row in predictions if row.id in known and not row.failed]


@pytest.mark.parametrize("seed", range(5))
def test_it_prints_what_the_original_prints(seed: int) -> None:
    samples, predictions = cases(seed)
    found = VIDEOMIND.measure(samples, predictions)
    pairs = pairs_of(samples, predictions)
    assert {name: f"{value:.2f}" for name, value in found.metrics.items()} == reference(pairs)
    assert list(found.groups["task"]) == ["one", "three", "two"]
    for task, metrics in found.groups["task"].items():
        some = [(row, truth) for row, truth in pairs if task in truth.labels("task")]
        assert {name: f"{value:.2f}" for name, value in metrics.items()} == reference(some)


@pytest.mark.parametrize("seed", range(5))
def test_it_prints_what_the_original_prints_on_cg_bench(seed: int) -> None:
    samples, predictions = cases(seed, 160)
    hits, grounded, asked, total, correct = defaultdict(float), 0, 0, 0.0, 0
    for row, truth in pairs_of(samples, predictions):
        iou = torch.zeros(())
        if row.spans:
            grounded += 1
            a, b = torch.tensor(row.spans[:1], dtype=torch.float32), torch.tensor(truth.spans, dtype=torch.float32)
            shared = (torch.min(a[:, None, 1], b[:, 1]) - torch.max(a[:, None, 0], b[:, 0])).clamp(0).sum()
            iou = shared / ((a[:, 1] - a[:, 0]).sum() + (b[:, 1] - b[:, 0]).sum() - shared)
            iou = torch.where(iou.isfinite(), iou, 0)
            total += iou.item()
        answered = row.response is not None and right(row, truth)
        asked += row.response is not None
        correct += answered
        for t in (0.1, 0.2, 0.3, 0.4, 0.5):
            hits[f"R1@{t}"] += bool(row.spans and iou >= t)
            hits[f"acc {t}"] += bool(row.spans and iou >= t and answered)
    shares = [hits[f"R1@{t}"] / grounded for t in (0.1, 0.2, 0.3, 0.4, 0.5)]
    answers = [hits[f"acc {t}"] / asked for t in (0.1, 0.2, 0.3, 0.4, 0.5)]
    expected = {f"R1@{t}": printed(hits[f"R1@{t}"], grounded) for t in (0.1, 0.2, 0.3, 0.4, 0.5)} | {
        "mIoU": printed(total, grounded),
        "rec@IoU": f"{sum(shares) / 5 * 100:.2f}",
        "long-acc": printed(correct, asked),
        "acc@IoU": f"{sum(answers) / 5 * 100:.2f}",
    }
    found = VIDEOMIND_CGBENCH.measure(samples, predictions)
    assert {name: f"{value:.2f}" for name, value in found.metrics.items()} == expected


def test_clues_that_overlap_count_twice_there() -> None:
    sample = Sample("a", ("v",), "?", spans=((0, 10), (0, 10)))
    found = VIDEOMIND_CGBENCH.measure([sample], [Prediction("a", ((0, 10),), (1.0,))])
    assert found.metrics["mIoU"] == 200.0


def one(listed: tuple, truths: tuple, response: str | None = None) -> dict[str, float]:
    sample = Sample("a", ("v",), "?", OPTIONS, "B", truths)
    return VIDEOMIND.measure([sample], [Prediction("a", listed, (1.0,) * len(listed), response=response)]).metrics


def test_an_overlap_of_just_the_threshold_is_a_hit_in_float32() -> None:
    assert one(((0, 5),), ((0, 10),))["R1@0.5"] == 100
    assert one(((0, 7),), ((0, 10),))["R1@0.7"] == 100  # float32(0.7) is less than 0.7
    assert one(((0.0, 0.3),), ((0.0, 1.0),))["R1@0.3"] == 100


def test_empty_and_reversed_predictions_overlap_nothing() -> None:
    for span in ((4, 4), (6, 2)):
        found = one((span,), ((0, 10),))
        assert (found["mIoU"], found["mIoP"], found["IoP@0.3"]) == (0, 0, 0)
        assert f"{found['mIoU']:.2f} {found['mIoP']:.2f}" == "0.00 0.00"


def test_listing_nothing_is_counted_and_found_nothing() -> None:
    assert one((), ((0, 10),))["mIoU"] == 0


def test_mean_overlaps_are_of_the_first_and_each_of_the_true_span_that_suits_it() -> None:
    found = one(((0, 4), (0, 10)), ((0, 5), (3, 100)))
    assert found["mIoU"] == pytest.approx(80)
    assert found["mIoP"] == 100
    assert found["R1@0.7"] == 100
    assert found["R3@0.7"] == 100


def test_a_row_counts_as_often_as_it_is_there_with_the_truth_that_it_tells() -> None:
    sample = Sample("a", ("v",), "?", spans=((0, 10),))
    rows = [Prediction("a", ((0, 10),), (1.0,)), Prediction("a", ((0, 5),), (1.0,))]
    assert VIDEOMIND.measure([sample], rows).metrics["mIoU"] == 75
    told = replace(rows[1], truth=replace(sample, spans=((0, 5),)))
    assert VIDEOMIND.measure([sample], [rows[0], told]).metrics["mIoU"] == 100
    assert VIDEOMIND.measure([], [told]).metrics["mIoU"] == 100


def test_what_nobody_was_asked_for_is_not_measured() -> None:
    assert "Acc" not in one(((0, 10),), ((0, 10),))
    sample = Sample("a", ("v",), "?", OPTIONS, "B")
    assert VIDEOMIND.measure([sample], [Prediction("a", response="B")]).metrics == {
        "Acc": 100,
        "Acc@IoU": 0,
        "Acc@GQA": 0,
    }
    assert VIDEOMIND.measure([sample], []).metrics == {}


@pytest.mark.parametrize(
    ("response", "letter"),
    [
        ("A", "a"),
        ("(B) Clap", "b"),
        ("c.", "c"),
        ("D) x", "d"),
        ("E", None),
        ("Best Option: (C", "b"),
        ("The answer", None),
        ("Ace", "a"),
        ("", None),
        (" A", None),
        ("\nA", None),
        ("(). A", None),
    ],
)
def test_a_reply_is_its_first_letter(response: str, letter: str | None) -> None:
    assert first_letter(response, 4) == letter
